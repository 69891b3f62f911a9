//! A panic ends one connection or request, and nothing else.

use jstack_tests::server::limits;
use jstack_tests::{Client, Frame, Server};

/// CVE-2024-38355 and its kin: one client's message ends the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_anywhere_in_a_connection_ends_that_connection_alone() {
    let server = Server::start(limits()).await;
    let mut other = Client::chat(server.address).await.expect("a chat");
    for (event, data) in [
        ("panic", "null"),
        ("panicInDrop", "null"),
        ("close", "\"panic please\""),
        ("fail", "\"panic please\""),
    ] {
        let mut client = Client::chat(server.address).await.expect("a chat");
        client.emit(event, data).await.expect("sent");
        let end = client.end().await;
        assert!(matches!(end, Frame::Close(1011 | 1000 | 3000, _)), "{event}: {end:?}");
        assert!(other.is_well().await, "after {event}");
    }
    let mut client = Client::chat(server.address).await.expect("a chat");
    client.emit("panic", "null").await.expect("sent");
    assert_eq!(client.end().await, Frame::Close(1011, "Internal Server Error".into()));
    // Who is gone is in no room any more.
    jstack_tests::app::say(&server.io, "still here").await.expect("taken");
    assert_eq!(other.next_text().await, r#"["say","still here"]"#);
    for _ in 0..1000 {
        if server.io.local_connections() == 1 {
            return;
        }
        tokio::task::yield_now().await;
        assert!(other.is_well().await);
    }
    panic!("{} connections are left", server.io.local_connections());
}

#[tokio::test]
async fn a_panic_before_the_upgrade_or_in_a_request_is_a_500_that_says_nothing() {
    let server = Server::start(limits()).await;
    let error = Client::open(server.address, "/api/post/chat?panic", "").await.expect_err("a 500");
    assert_eq!(error.to_string(), "500 Internal Server Error");
    let mut client = Client::tcp(server.address).await.expect("a connection");
    for request in [
        "GET /api/post/broken HTTP/1.1\r\nhost: x\r\n\r\n",
        "POST /api/post/create HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         content-length: 14\r\n\r\n\"panic please\"",
    ] {
        let answer = client.ask(request.as_bytes()).await.expect("an answer");
        assert_eq!((answer.status, &*answer.body), (500, "Internal Server Error"), "{request}");
        assert!(answer.head.contains("x-request-id"));
    }
    assert!(Client::chat(server.address).await.expect("a chat").is_well().await);
}

#[tokio::test]
async fn the_cause_of_a_failure_is_not_told() {
    let server = Server::start(limits()).await;
    let mut client = Client::chat(server.address).await.expect("a chat");
    client.emit("fail", "\"postgres://user:hunter2@db\"").await.expect("sent");
    let told = client.next_text().await;
    assert!(told.contains("\"internal\"") && !told.contains("hunter2"), "{told}");
    assert!(client.is_well().await);
}
