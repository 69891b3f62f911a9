//! Messages that no client means.

use std::time::{Duration, Instant};

use jstack_runtime::Limits;
use jstack_tests::server::limits;
use jstack_tests::{Client, Frame, Server};

async fn chat() -> (Server, Client) {
    let server =
        Server::start(Limits { rate: u32::MAX, joins_per_second: u32::MAX, ..limits() }).await;
    let client = Client::chat(server.address).await.expect("a chat");
    (server, client)
}

/// The error's code that a text is answered with.
async fn answer(client: &mut Client, text: &str) -> String {
    client.text(text).await.expect("sent");
    let told = client.next_text().await;
    let (event, data): (String, serde_json::Value) = serde_json::from_str(&told).expect("a pair");
    if event == "error" { data["code"].as_str().unwrap_or_default().to_owned() } else { event }
}

#[tokio::test]
async fn deep_json_is_refused_before_it_is_parsed() {
    let (_server, mut client) = chat().await;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let value = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
        let fine = format!("[\"anything\",{}]", value(60));
        assert_eq!(answer(&mut client, &fine).await, "echo");
        for depth in [64, 127, 5000] {
            let deep = format!("[\"anything\",{}]", value(depth));
            assert_eq!(answer(&mut client, &deep).await, "invalid", "{depth}");
        }
    }
    assert_eq!(answer(&mut client, &"[".repeat(60_000)).await, "malformed");
}

/// The longest message, at a cost proportional to its length.
#[tokio::test]
async fn huge_arrays_numbers_and_texts_are_read_in_linear_time() {
    let (_server, mut client) = chat().await;
    let zeros = format!("[{}0]", "0,".repeat(30_000));
    let digits = "9".repeat(60_000);
    let text = format!("\"{}\"", "\\u0041".repeat(10_000));
    let exponent = format!("1e{}", "9".repeat(1000));
    let start = Instant::now();
    for data in [&zeros, &text] {
        assert_eq!(answer(&mut client, &format!("[\"anything\",{data}]")).await, "echo");
    }
    for data in [&digits, &exponent] {
        let code = answer(&mut client, &format!("[\"anything\",{data}]")).await;
        assert!(matches!(&*code, "invalid" | "echo"), "{code}");
    }
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

/// Keys that collide in a hash without a secret, and the same key many times.
#[tokio::test]
async fn hash_flooding_costs_nothing() {
    let (_server, mut client) = chat().await;
    // Equal under FNV and multiplicative hashes of small state: all pairs of these two blocks.
    let key =
        |n: u32| (0..12).map(|bit| if n >> bit & 1 == 0 { "Aa" } else { "BB" }).collect::<String>();
    let collide: Vec<_> = (0..1800).map(|n| format!("\"{}\":1", key(n))).collect();
    let same = vec!["\"a\":1".to_owned(); 8000];
    let start = Instant::now();
    for pairs in [collide, same] {
        let object = format!("[\"anything\",{{{}}}]", pairs.join(","));
        assert_eq!(answer(&mut client, &object).await, "echo");
    }
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

/// CVE-2024-38355 (socket.io): an event called `error` ends the process. CVE-2022-2421 and
/// CVE-2023-32695 (socket.io-parser): names that are no texts. CVE-2026-33151: attachments.
#[tokio::test]
async fn names_that_mean_something_elsewhere_are_unknown_events_here() {
    let (_server, mut client) = chat().await;
    for name in [
        "error",
        "onConnect",
        "onDisconnect",
        "onError",
        "pong",
        "$x",
        "$welcome",
        "$auth",
        "__proto__",
        "constructor",
        "prototype",
        "toString",
        "hasOwnProperty",
        "then",
        "Say",
        "say ",
        "connect",
        "disconnect",
        "newListener",
        "",
        "\\u0000",
        "\\ud83d\\ude00",
        "a\\\"b",
    ] {
        let code = answer(&mut client, &format!("[\"{name}\",null]")).await;
        assert_eq!(code, "unknown_event", "{name}");
    }
    for text in [
        "",
        "[]",
        "[1,2]",
        "[{},1]",
        "[null,null]",
        "[[\"say\"],1]",
        "[true,1]",
        "{\"0\":\"say\",\"1\":\"x\"}",
        "[\"say\"]",
        "[\"say\",\"x\",1]",
        "\"say\"",
        "51-[\"say\",{\"_placeholder\":true,\"num\":0}]",
        "[\"say\",\"x\"]]",
        "[\"say\",\"x\"",
        "[\"\\ud800\",1]",
        "\u{feff}[\"say\",\"x\"]",
    ] {
        assert_eq!(answer(&mut client, text).await, "malformed", "{text}");
    }
    for text in ["[\"say\",{\"toString\":1}]", "[\"say\",null]", "[\"say\",{\"__proto__\":{}}]"] {
        assert_eq!(answer(&mut client, text).await, "invalid", "{text}");
    }
    assert_eq!(answer(&mut client, "[\"ping\",1e9]").await, "pong");
    assert!(client.is_well().await);
}

/// The original turned `../flushall` into a Redis command; CVE-2022-42975 is about patterns.
#[tokio::test]
async fn rooms_of_a_hostile_client_are_names_and_nothing_else() {
    let (server, mut client) = chat().await;
    let mut other = Client::chat(server.address).await.expect("a chat");
    for name in [
        "../flushall",
        "*",
        "?",
        "[a-z]*",
        "a,b",
        "{tag}",
        "general*",
        "GENERAL",
        "general ",
        "%00",
        "a/../general",
        "$1",
        "\u{202e}lareneg",
        "__proto__",
        "general/",
        "🎉",
    ] {
        assert_eq!(
            answer(&mut client, &format!("[\"join\",{}]", serde_json::json!(name))).await,
            "echo",
            "{name}"
        );
    }
    for name in
        ["", "a\\r\\nFLUSHALL\\r\\n", "\\u0000", "\\u0085", &"x".repeat(201), &"x".repeat(50_000)]
    {
        assert_eq!(answer(&mut client, &format!("[\"join\",\"{name}\"]")).await, "room", "{name}");
    }
    // Nobody hears more, or twice.
    jstack_tests::app::say(&server.io, "once").await.expect("taken");
    assert_eq!(client.next_text().await, r#"["say","once"]"#);
    assert_eq!(other.next_text().await, r#"["say","once"]"#);
    assert!(client.is_well().await && other.is_well().await);
}

#[tokio::test]
async fn too_many_rooms_and_too_many_joins_are_refused() {
    let server = Server::start(Limits { rate: u32::MAX, joins_per_second: 20, ..limits() }).await;
    let mut client = Client::chat(server.address).await.expect("a chat");
    let mut refused = 0;
    for n in 0..100 {
        refused += usize::from(answer(&mut client, &format!("[\"join\",\"{n}\"]")).await == "rate");
    }
    assert!((60..=81).contains(&refused), "{refused}");
}

/// A close reason is bytes on the wire and a line in the log.
#[tokio::test]
async fn a_close_reason_cannot_carry_lines_or_headers() {
    let (mut server, mut client) = chat().await;
    client
        .emit("close", r#""bye\r\nHTTP/1.1 200 OK\r\nset-cookie: a=b\r\n\r\n""#)
        .await
        .expect("sent");
    let Frame::Close(3000, reason) = client.end().await else { panic!("no close") };
    assert!(!reason.contains(['\r', '\n']), "{reason:?}");
    let reason = server.gone.recv().await.expect("a reason").to_string();
    assert!(!reason.contains(['\r', '\n']), "{reason:?}");

    let mut client = Client::chat(server.address).await.expect("a chat");
    let long = format!("\"{}\"", "é".repeat(500));
    client.emit("close", &long).await.expect("sent");
    let Frame::Close(3000, reason) = client.end().await else { panic!("no close") };
    assert!(reason.len() <= 123 && reason.chars().all(|c| c == 'é'), "{reason:?}");

    let mut client = Client::chat(server.address).await.expect("a chat");
    let injected = b"\x0f\xa0gone\n2026-01-01 ERROR all is lost";
    client.send(&jstack_tests::client::frame(8, true, injected)).await.expect("sent");
    client.end().await;
    server.gone.recv().await.expect("the second");
    let reason = server.gone.recv().await.expect("the third").to_string();
    assert!(reason.contains(r"gone\n2026") && !reason.contains('\n'), "{reason:?}");
}

/// One that emits without end is stopped like one that waits without end, and others are served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_that_does_nothing_but_emit_is_stopped_and_others_are_served_meanwhile() {
    let limits = Limits { handler_timeout: Duration::from_secs(2), ..limits() };
    let server = Server::start(limits).await;
    let mut busy = Vec::new();
    for _ in 0..4 {
        let mut client = Client::chat(server.address).await.expect("a chat");
        client.emit("floodRoom", "null").await.expect("sent");
        busy.push(client);
    }
    let mut slowest = Duration::ZERO;
    for _ in 0..10 {
        let start = std::time::Instant::now();
        let mut client = Client::tcp(server.address).await.expect("a connection");
        let request = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
        assert_eq!(client.ask(request).await.expect("an answer").status, 200);
        slowest = slowest.max(start.elapsed());
    }
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    for client in &mut busy {
        let error = client.next_text().await;
        assert!(error.contains(r#""code":"timeout""#), "{error}");
    }
}

/// The client does not read, or is gone: the handler that emits to it learns of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_emit_to_a_connection_that_has_ended_is_gone() {
    let server = Server::start(Limits { queue_bytes: 64 * 1024, ..limits() }).await;
    let mut witness = Client::chat(server.address).await.expect("a chat");
    let mut reader =
        Client::open(server.address, "/api/post/chat?alone", "").await.expect("a chat");
    reader.emit("flood", "null").await.expect("sent");
    assert_eq!(witness.next_text().await, r#"["say","gone"]"#, "it does not read");
    let mut leaver =
        Client::open(server.address, "/api/post/chat?alone", "").await.expect("a chat");
    leaver.emit("flood", "null").await.expect("sent");
    drop(leaver);
    assert_eq!(witness.next_text().await, r#"["say","gone"]"#, "it is gone");
}

/// Over the rate, messages are dropped and the client gets an error once a second; far over it, the
/// connection is closed.
#[tokio::test]
async fn who_sends_too_fast_is_told_and_who_does_not_stop_is_closed() {
    let server = Server::start(Limits { rate: 10, burst: 20, ..limits() }).await;
    let mut client = Client::chat(server.address).await.expect("a chat");
    let one = jstack_tests::client::frame(1, true, b"[\"say\",\"x\"]");
    client.send(&one.repeat(60)).await.expect("sent");
    let mut said = 0;
    loop {
        match client.next_text().await {
            text if text.contains("\"rate\"") => break,
            text if text.contains("say") => said += 1,
            text => panic!("{text:?}"),
        }
    }
    assert!(said <= 20, "{said}");
    let _ = client.send(&one.repeat(5000)).await;
    let end = client.end().await;
    assert!(matches!(end, Frame::Close(1008, _) | Frame::End), "{end:?}");
}

/// A handler that never ends is stopped, and the connection goes on.
#[tokio::test]
async fn a_handler_that_hangs_is_stopped() {
    let handler_timeout = Duration::from_millis(100);
    let server = Server::start(Limits { handler_timeout, ..limits() }).await;
    let mut client = Client::chat(server.address).await.expect("a chat");
    assert_eq!(answer(&mut client, "[\"hang\",null]").await, "timeout");
    assert!(client.is_well().await);
}
