//! After known traffic the metrics have the values that `docs/metrics.md` describes. A process of its
//! own, for the recorder is the process'.

#![allow(missing_docs, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use jstack_runtime::broker::{Broker, Channel, Publication, Scope, Sink};
use jstack_runtime::prelude::*;
use jstack_runtime::{Limits, Redis};
use jstack_tests::client::{frame, handshake};
use jstack_tests::server::limits;
use jstack_tests::{Client, Frame, Server};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

const DOCUMENT: &str = include_str!("../../docs/metrics.md");

async fn refused(server: &Server, request: String, status: u16) {
    let mut client = Client::tcp(server.address).await.expect("a connection");
    assert_eq!(client.ask(request.as_bytes()).await.expect("an answer").status, status);
}

/// What three clients in the chat and a few who are not let in do: four sockets and three
/// connections more.
async fn traffic(server: &Server) {
    let mut first = Client::chat(server.address).await.expect("a chat");
    let mut second = Client::chat(server.address).await.expect("a chat");
    let mut alone = Client::open(server.address, "/api/post/chat?alone", "").await.expect("a chat");
    // Received 3, sent 6, published 3.
    for _ in 0..3 {
        first.emit("say", "\"to general\"").await.expect("sent");
        for client in [&mut first, &mut second] {
            assert_eq!(client.next_text().await, "[\"say\",\"to general\"]");
        }
    }
    // Received 2, sent 2.
    assert!(alone.is_well().await && alone.is_well().await);
    // Received 4, invalid 4.
    for bytes in [&b"[\"say\",5]"[..], b"[\"hostile-event\",1]", b"no frame"] {
        alone.send(&frame(1, true, bytes)).await.expect("sent");
    }
    alone.send(&frame(2, true, b"binary")).await.expect("sent");
    // Received 3: an error, one at which the error handler fails too, one whose cause is hidden.
    for data in ["\"no please\"", "\"fail please\"", "\"hostile-cause\""] {
        alone.emit("fail", data).await.expect("sent");
    }
    for _ in 0..7 {
        assert!(alone.next_text().await.starts_with("[\"error\","));
    }
    // Received 1: and the disconnect handler fails.
    alone.emit("close", "\"fail please\"").await.expect("sent");
    assert!(matches!(alone.end().await, Frame::Close(3000, _)));
    first.send(&frame(8, true, b"\x03\xe8")).await.expect("sent");
    assert!(matches!(first.end().await, Frame::Close(1000, _)));
    drop((first, alone));
    // Received 1: it panics.
    second.emit("panic", "null").await.expect("sent");
    assert!(matches!(second.end().await, Frame::Close(1011, _)));
    drop(second);
    refused(server, handshake("/api/post/chat", "origin: https://evil.example\r\n"), 403).await;
    refused(server, handshake("/api/post/chat", "").replace("13", "8"), 426).await;
    refused(server, "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), 200).await;
    let mut lost = Client::chat(server.address).await.expect("a chat");
    // Received 1, sent 1.
    assert!(lost.is_well().await);
    drop(lost);
    let gone = async {
        while server.io.local_connections() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(jstack_tests::client::PATIENCE, gone).await.expect("all are gone");
}

#[derive(Clone, Debug, Events)]
enum Silence {
    Nothing(()),
}

#[procedure(ws, incoming = Silence, outgoing = Silence, presence = bool)]
async fn hall(socket: Socket<hall::Procedure>, mut events: Receiver<hall::Procedure>) -> Result {
    socket.join("hall").await?;
    while events.recv().await?.is_some() {}
    Ok(())
}

/// One client watches another one come. Both stay.
async fn presence() -> [Client; 2] {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let app = App::new().mount("post", router![hall]).limits(limits());
    tokio::spawn(app.serve_on_until(listener, std::future::pending()));
    let open = || Client::open(address, "/api/post/hall", "sec-websocket-protocol: jstack.v1\r\n");
    let mut watching = open().await.expect("a connection");
    watching.text(r#"["$presence",{"r":"hall"},{"i":"1"}]"#).await.expect("sent");
    for name in ["$welcome", "$room", "$ok"] {
        assert!(watching.next_text().await.starts_with(&format!("[\"{name}\"")), "{name}");
    }
    let coming = open().await.expect("a connection");
    assert!(watching.next_text().await.contains("\"count\":2"));
    [watching, coming]
}

async fn emit_to_a_redis_that_is_not_there() {
    struct Nowhere;
    impl Sink for Nowhere {
        fn deliver(&self, _: &Publication<'_>) {}
        fn gap(&self, _: Channel<'_>, _: Option<u64>) {}
    }
    let redis = Redis::new("redis://127.0.0.1:1").expect("an address");
    let (mut scratch, scope) = (Vec::new(), Scope::All);
    let channel = Channel { procedure: "post/chat", scope };
    let message = Publication::new(channel, b"[\"say\",1]", &mut scratch);
    redis.publish(&[message], &Nowhere).await.expect_err("nobody is there");
}

#[tokio::test]
async fn after_known_traffic_the_metrics_hold_the_documented_values() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    recorder.install().expect("the only recorder");
    let server = Server::start(Limits { rate: u32::MAX, ..limits() }).await;
    traffic(&server).await;
    server.stopped().await;
    let _present = presence().await;
    emit_to_a_redis_that_is_not_there().await;

    let mut found = BTreeMap::new();
    let mut names = BTreeSet::new();
    for (key, _, _, value) in snapshotter.snapshot().into_vec() {
        let key = key.key();
        names.insert(key.name().to_owned());
        let labels: Vec<_> = key.labels().map(|l| format!("{}={}", l.key(), l.value())).collect();
        let value = match value {
            DebugValue::Counter(n) => n.to_string(),
            DebugValue::Gauge(n) => n.to_string(),
            // Whether something waits when it is sampled, nobody knows before.
            DebugValue::Histogram(_) if key.name() == "jstack_queue_bytes" => continue,
            DebugValue::Histogram(values) => {
                assert!(values.iter().all(|value| (0.0..60.0).contains(&value.0)), "{values:?}");
                format!("{} times", values.len())
            }
        };
        if value != "0" && value != "0 times" {
            found.insert(format!("{} {}", key.name(), labels.join(",")), value);
        }
        for label in key.labels() {
            let (label, value) = (label.key(), label.value());
            assert!(
                ["reason", "procedure", "handler", "class"].contains(&label),
                "{label}={value}"
            );
            let known = ["post/chat", "post/hall"].contains(&value)
                || DOCUMENT.contains(&format!("`{value}`"));
            assert!(known, "the label {label}={value} is not documented");
        }
    }
    let expected = [
        ("jstack_accepted_total ", "9"),
        ("jstack_broker_publish_failures_total ", "1"),
        ("jstack_closed_total reason=client", "1"),
        ("jstack_closed_total reason=failure", "1"),
        ("jstack_closed_total reason=lost", "1"),
        ("jstack_closed_total reason=server", "1"),
        ("jstack_connections ", "2"),
        ("jstack_failed_total procedure=post/chat,handler=disconnect", "1"),
        ("jstack_failed_total procedure=post/chat,handler=error", "1"),
        ("jstack_failed_total procedure=post/chat,handler=on", "4"),
        ("jstack_handler_seconds procedure=post/chat", "11 times"),
        ("jstack_invalid_total procedure=post/chat", "4"),
        ("jstack_opened_total procedure=post/chat", "4"),
        ("jstack_opened_total procedure=post/hall", "2"),
        ("jstack_presence_differences_total procedure=post/hall", "1"),
        ("jstack_presence_members procedure=post/hall", "2"),
        ("jstack_publish_seconds ", "3 times"),
        ("jstack_received_total procedure=post/chat", "15"),
        ("jstack_refused_total reason=handshake", "1"),
        ("jstack_refused_total reason=origin", "1"),
        ("jstack_sent_total procedure=post/chat", "9"),
        ("jstack_sockets procedure=post/hall", "2"),
    ];
    let expected: BTreeMap<_, _> =
        expected.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    assert_eq!(found, expected);
    // What is there is documented, and what is documented is there.
    let documented = DOCUMENT.lines().filter_map(|line| line.strip_prefix("| `jstack_"));
    let documented = documented.filter_map(|line| line.split_once('`'));
    let documented: BTreeSet<_> = documented.map(|(name, _)| format!("jstack_{name}")).collect();
    assert_eq!(names, documented);
}
