//! The board in memory: no port.

use std::time::Duration;

use jstack_runtime::TestServer;
use jstack_runtime::client::{Incoming, Socket};

use crate::auth::{self, Credentials, Ticket};
use crate::live::{NewComment, Place, Point, ToClient, ToServer, board};

async fn server(lifetime: Duration) -> TestServer {
    crate::app(lifetime).test().await.unwrap()
}

async fn sign_in(server: &TestServer, name: &str) -> Ticket {
    let who = Credentials { name: name.to_owned() };
    server.post::<auth::sign_in::Procedure>("auth/signIn", &who).await.unwrap()
}

async fn open(server: &TestServer, token: &str) -> Socket<board::Procedure> {
    let client = server.client().bearer(token);
    let place = Place { board: "plan".to_owned() };
    client.ws::<board::Procedure>("live/board").params(&place).connect().await.unwrap()
}

async fn event(socket: &mut Socket<board::Procedure>) -> ToClient {
    loop {
        match socket.next().await {
            Some(Incoming::Event(event, _)) => return event,
            Some(_) => {}
            None => panic!("it ended"),
        }
    }
}

fn comment(text: &str) -> NewComment {
    NewComment { at: Point { x: 0.5, y: 0.25 }, text: text.to_owned() }
}

#[tokio::test]
async fn a_comment_is_answered_sent_to_all_and_kept() {
    let server = server(crate::LIFETIME).await;
    let (ann, bob) = (sign_in(&server, "Ann").await, sign_in(&server, "Bob").await);
    let (mut a, mut b) = (open(&server, &ann.token).await, open(&server, &bob.token).await);
    let reply = a.request().comment(&comment("here?")).await.unwrap();
    assert_eq!((&*reply.author, &reply.author_id), ("Ann", &ann.user_id));
    for socket in [&mut a, &mut b] {
        let ToClient::Comment(heard) = event(socket).await else { panic!("not a comment") };
        assert_eq!(heard, reply);
    }
    let kept = server.io::<board::Procedure>().history("plan").last(10).await.unwrap();
    assert!(
        matches!(&kept[..], [one] if matches!(&one.event, ToClient::Comment(it) if *it == reply))
    );
    let refused = a.request().comment(&comment("")).await.unwrap_err();
    assert_eq!(refused.issues()[0].path, "text");
}

#[tokio::test]
async fn others_see_a_cursor_and_it_is_not_kept() {
    let server = server(crate::LIFETIME).await;
    let (ann, bob) = (sign_in(&server, "Ann").await, sign_in(&server, "Bob").await);
    let (a, mut b) = (open(&server, &ann.token).await, open(&server, &bob.token).await);
    let at = Point { x: 0.1, y: 0.9 };
    a.confirm(&ToServer::Cursor(at)).await.unwrap();
    let ToClient::Cursor(cursor) = event(&mut b).await else { panic!("not a cursor") };
    assert_eq!((cursor.user_id, cursor.at), (ann.user_id, at));
    let outside = a.confirm(&ToServer::Cursor(Point { x: 2.0, y: 0.0 })).await.unwrap_err();
    assert_eq!(outside.issues()[0].path, "x");
    let io = server.io::<board::Procedure>();
    assert!(io.history("plan").last(10).await.unwrap().is_empty());
    let mut names: Vec<_> = io.presence("plan").list().await.unwrap();
    names.sort_by(|a, b| a.info.name.cmp(&b.info.name));
    assert_eq!(names.iter().map(|it| &*it.info.name).collect::<Vec<_>>(), ["Ann", "Bob"]);
}

#[tokio::test]
async fn a_token_can_be_renewed_until_it_ends() {
    let server = server(Duration::from_millis(300)).await;
    let ann = sign_in(&server, "Ann").await;
    let renew = async |token: &str| {
        server.client().bearer(token).post::<auth::renew::Procedure>("auth/renew", &()).await
    };
    let next = renew(&ann.token).await.unwrap();
    assert_eq!(next.user_id, ann.user_id);
    assert_ne!(next.token, ann.token);
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(renew(&ann.token).await.unwrap_err().status(), 401);
    assert_eq!(renew("unknown").await.unwrap_err().status(), 401);
}
