//! The content of a log at level debug. A process of its own, for the log is the process'.

#![allow(missing_docs, clippy::expect_used, clippy::panic, reason = "tests")]

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use jstack_tests::client::{frame, handshake};
use jstack_tests::server::limits;
use jstack_tests::{Client, Frame, Server};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

const HEADERS: &str = "origin: http://localhost\r\ncookie: session=S3CRET-cookie\r\n\
     authorization: Bearer S3CRET-token\r\nsec-websocket-protocol: S3CRET-protocol\r\n";

/// Everything that a client sends contains a secret, the valid and the invalid.
async fn sockets(server: &Server) {
    let path = "/api/post/chat?token=S3CRET-query";
    let mut client = Client::open(server.address, path, HEADERS).await.expect("a chat");
    for text in [
        r#"["say","S3CRET-payload"]"#,
        r#"["say",{"S3CRET-key":1}]"#,
        r#"["anything",{"password":"S3CRET-value"}]"#,
        r#"["join","S3CRET-room"]"#,
        r#"["S3CRET-event","S3CRET-data"]"#,
        r#"["say","S3CRET-pair","S3CRET-third"]"#,
        r#"{"S3CRET-malformed":"#,
        r#"["ping","S3CRET-ping"]"#,
    ] {
        client.text(text).await.expect("sent");
        assert_ne!(client.next_text().await, "", "{text}");
    }
    client.send(&frame(2, true, b"S3CRET-binary")).await.expect("sent");
    assert_ne!(client.next_text().await, "");
    client.send(&frame(9, true, b"S3CRET-control")).await.expect("sent");
    assert!(client.is_well().await);
    client.send(&frame(1, true, b"S3CRET-\xff")).await.expect("sent");
    assert!(matches!(client.end().await, Frame::Close(1007, _)));
}

async fn requests(server: &Server) {
    let post = |path: &str, kind: &str, body: &str| {
        format!(
            "POST /api/post/{path}?key=S3CRET-query HTTP/1.1\r\nhost: localhost\r\n{HEADERS}\
             content-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let get = |path: &str| {
        format!("GET /api/{path}?limit=S3CRET-query HTTP/1.1\r\nhost: localhost\r\n{HEADERS}\r\n")
    };
    let json = "application/json";
    for (request, status) in [
        (get("post/recent"), 200),
        (get("post/S3CRET-path"), 404),
        (get("post/broken"), 500),
        (get("post/chat"), 426),
        (post("create", json, "{\"a\":\"S3CRET-body\"}"), 200),
        (post("create", json, "{\"S3CRET-half"), 400),
        (post("create", "text/plain", "S3CRET-form"), 415),
        (post("create", json, "\"panic please\""), 500),
        (get("post/recent").replace("http://localhost", "null"), 403),
        (post("create", json, "1").replace("http://localhost", "https://evil.example"), 403),
        (handshake("/api/post/chat?token=S3CRET-query", "cookie: a=S3CRET-cookie\r\n"), 403),
        (handshake("/api/post/chat?panic", "cookie: S3CRET\r\norigin: http://localhost\r\n"), 500),
        (handshake("/api/post/chat", HEADERS).replace("13", "S3CRET-version"), 426),
        ("S3CRET-garbage\r\n\r\n".to_owned(), 400),
    ] {
        let mut client = Client::tcp(server.address).await.expect("a connection");
        let answer = client.ask(request.as_bytes()).await.expect("an answer");
        assert_eq!(answer.status, status, "{request}");
    }
}

/// Hooks may fail: only the log reports it.
async fn failing_hooks(server: &Server) {
    let mut client = Client::chat(server.address).await.expect("a chat");
    client.emit("fail", "\"fail please\"").await.expect("sent");
    let told = client.next_text().await;
    assert!(told.contains("fail please") && !told.contains("the error handler's own"), "{told}");
    client.emit("close", "\"fail please\"").await.expect("sent");
    assert_eq!(client.end().await, Frame::Close(3000, "fail please".into()));
}

#[tokio::test]
async fn the_log_tells_of_failed_hooks_and_nothing_of_what_clients_send() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    let server = Server::start(limits()).await;
    sockets(&server).await;
    requests(&server).await;
    failing_hooks(&server).await;
    server.stopped().await;

    let log = log.text();
    let line = |parts: &[&str]| {
        assert!(
            log.lines().any(|line| parts.iter().all(|part| line.contains(part))),
            "no line with {parts:?} in\n{log}"
        );
    };
    // It is the log of all this.
    line(&["DEBUG", "socket{procedure=\"post/chat\"", "message length=24"]);
    line(&["DEBUG", "connection closed"]);
    line(&["ERROR", "hook failed", "hook=\"error\"", "the error handler's own"]);
    line(&["ERROR", "hook failed", "hook=\"disconnect\"", "the disconnect handler's own"]);
    let leaks: Vec<_> = log.lines().filter(|line| line.contains("S3CRET")).collect();
    assert!(leaks.is_empty(), "{}", leaks.join("\n"));
}
