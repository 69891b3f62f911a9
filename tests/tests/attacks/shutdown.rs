//! The end of a server.

use std::time::{Duration, Instant};

use jstack_runtime::{ClosedBy, Limits};
use jstack_tests::server::limits;
use jstack_tests::{Client, Frame, Server};

const READY: &[u8] = b"GET /readyz HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test]
async fn a_server_is_alive_and_ready_until_it_drains() {
    let limits = Limits { drain_deadline: Duration::from_secs(5), ..limits() };
    let mut server = Server::start(limits).await;
    for path in ["healthz", "readyz"] {
        let mut client = Client::tcp(server.address).await.expect("a connection");
        let request = format!("GET /{path} HTTP/1.1\r\nhost: x\r\n\r\n");
        let answer = client.ask(request.as_bytes()).await.expect("an answer");
        assert_eq!((answer.status, &*answer.body), (200, "ok"), "{path}");
    }
    let mut chat = Client::chat(server.address).await.expect("a chat");
    chat.emit("hang", "null").await.expect("sent");
    server.stop();
    assert_eq!(chat.end().await, Frame::Close(1012, "the server is restarting".into()));
    assert!(Client::tcp(server.address).await.is_err(), "it takes no new connections");
}

#[tokio::test]
async fn what_was_emitted_before_the_signal_arrives_and_disconnect_runs_for_everyone() {
    let mut server = Server::start(limits()).await;
    let mut clients = Vec::new();
    for _ in 0..50 {
        clients.push(Client::chat(server.address).await.expect("a chat"));
    }
    for n in 0..100 {
        jstack_tests::app::say(&server.io, &n.to_string()).await.expect("taken");
    }
    server.stop();
    for client in &mut clients {
        for n in 0..100 {
            assert_eq!(client.next_text().await, format!("[\"say\",\"{n}\"]"));
        }
        assert_eq!(client.end().await, Frame::Close(1012, "the server is restarting".into()));
    }
    for _ in 0..50 {
        let reason = server.gone.recv().await.expect("a run of the disconnect handler");
        assert_eq!((reason.by(), reason.code()), (ClosedBy::Shutdown, 1012));
    }
    drop(clients);
    server.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_sockets_are_closed_evenly_over_the_spread() {
    let drain_spread = Duration::from_secs(1);
    let mut server = Server::start(Limits { drain_spread, ..limits() }).await;
    let mut clients = Vec::new();
    for _ in 0..200 {
        clients.push(Client::chat(server.address).await.expect("a chat"));
    }
    server.stop();
    let start = Instant::now();
    let ends = clients.into_iter().map(|mut client| {
        tokio::spawn(async move {
            assert!(matches!(client.end().await, Frame::Close(1012, _)));
            start.elapsed()
        })
    });
    let mut ends = futures_util::future::join_all(ends)
        .await
        .into_iter()
        .collect::<Result<Vec<_>, _>>()
        .expect("ends");
    ends.sort();
    let quarter = ends[50];
    assert!((100..600).contains(&quarter.as_millis()), "{quarter:?}");
    assert!((800..2500).contains(&ends[199].as_millis()), "{:?}", ends[199]);
    server.stopped().await;
}

#[tokio::test]
async fn a_request_under_way_is_finished_and_an_idle_connection_closed() {
    let slow = axum::Router::new().route(
        "/slow",
        axum::routing::post(async |body: axum::body::Bytes| format!("{} bytes", body.len())),
    );
    let mut server = Server::start_with(limits(), |app| app.merge(slow)).await;
    let mut idle = Client::tcp(server.address).await.expect("a connection");
    assert_eq!(idle.ask(READY).await.expect("an answer").status, 200);
    let mut busy = Client::tcp(server.address).await.expect("a connection");
    busy.send(
        b"POST /slow HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n",
    )
    .await
    .expect("sent");
    assert_eq!(busy.answer().await.expect("the handler reads").status, 100);
    server.stop();
    assert_eq!(idle.answer().await.expect("an end").status, 0);
    let answer = busy.ask(b"1234").await.expect("an answer");
    assert_eq!((answer.status, &*answer.body), (200, "4 bytes"));
    assert!(answer.head.contains("connection: close"), "{answer:?}");
    server.stopped().await;
}

#[tokio::test]
async fn what_does_not_end_is_cut_off_at_the_deadline() {
    let limits = Limits { drain_deadline: Duration::from_millis(300), ..limits() };
    let mut server = Server::start(limits).await;
    let mut client = Client::chat(server.address).await.expect("a chat");
    client.emit("hang", "null").await.expect("sent");
    // The handler runs when the next ping of the protocol is not answered; the pong comes first.
    server.stop();
    let start = Instant::now();
    client.end().await;
    server.stopped().await;
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}
