use futures_util::{SinkExt as _, StreamExt as _};
use http_body_util::BodyExt as _;
use jstack_runtime::client::Incoming;
use tokio::net::TcpListener;
use tokio_tungstenite::connect_async;
use tower::ServiceExt as _;

use super::*;

fn task(title: &str) -> Task {
    Task { title: title.to_owned() }
}

/// 1. A function: the attribute left the procedure what it was.
#[tokio::test]
async fn a_task_that_was_added_is_listed() {
    let tasks = Tasks::default();
    add(&tasks, task("shop")).unwrap();
    assert_eq!(add(&tasks, task("shop")).unwrap_err().status(), 409);
    assert_eq!(list(State(tasks)).await, [task("shop")]);
}

/// 2. A request without a port: routes, extractors, JSON and errors as clients see them.
#[tokio::test]
async fn the_list_is_json() {
    let tasks = Tasks::default();
    add(&tasks, task("shop")).unwrap();
    let request = axum::http::Request::get("/api/tasks/list").body(String::new()).unwrap();
    let response = app(tasks).into_router().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, r#"[{"title":"shop"}]"#);
}

/// 3. Sockets and calls in memory, typed, with a paused clock.
#[tokio::test(start_paused = true)]
async fn a_task_reaches_everybody_in_memory() {
    let server = app(Tasks::default()).test().await.unwrap();
    let ann = server.ws::<live::Procedure>("tasks/live").connect().await.unwrap();
    let mut bob = server.ws::<live::Procedure>("tasks/live").connect().await.unwrap();

    ann.emit().added(&task("shop")).await.unwrap();
    let Some(Incoming::Event(Live::Added(heard), _)) = bob.next().await else { panic!() };
    assert_eq!(heard, task("shop"));
    assert_eq!(server.get::<list::Procedure>("tasks/list", &()).await.unwrap(), [task("shop")]);

    // The handler's error comes to its sender alone: as an error here, and as the answer to a request.
    let refused = ann.confirm(&Live::Added(task("shop"))).await.unwrap_err();
    assert_eq!((refused.status().as_u16(), refused.code()), (409, "conflict"));
}

/// 4. A socket on a port of the system's choice, for the bytes on the wire.
#[tokio::test]
async fn a_task_reaches_every_socket_and_a_refusal_its_sender_alone() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/api/tasks/live", listener.local_addr().unwrap());
    let tasks = Tasks::default();
    tokio::spawn(app(tasks.clone()).serve_on(listener));
    let (mut ann, _) = connect_async(&url).await.unwrap();
    let (mut bob, _) = connect_async(&url).await.unwrap();

    for frame in [r#"["added",{"title":""}]"#, r#"["added",{"title":"shop"}]"#] {
        ann.send(frame.into()).await.unwrap();
    }
    let refused = ann.next().await.unwrap().unwrap().to_string();
    assert!(refused.starts_with(r#"["error",{"event":"added","code":"invalid""#), "{refused}");
    for client in [&mut ann, &mut bob] {
        let heard = client.next().await.unwrap().unwrap().to_string();
        assert_eq!(heard, r#"["added",{"title":"shop"}]"#);
    }
    assert_eq!(list(State(tasks)).await, [task("shop")]);
}

/// 5. The contract: a change that clients would notice changes this text.
#[test]
fn the_contract_is_what_clients_were_built_against() {
    let types = app(Tasks::default()).describe().typescript().unwrap();
    assert!(types.contains("added: Task"), "{types}");
    assert!(types.contains("list: Get<void, Task[]>"), "{types}");
}
