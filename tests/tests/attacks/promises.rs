//! Every promise of `docs/limits.md`, on every transport.

use std::time::{Duration, Instant};

use jstack_runtime::{ClosedBy, Limits};
use jstack_tests::client::{PATIENCE, frame};
use jstack_tests::server::limits;
use jstack_tests::{Frame, Server};

use crate::transports::{Connection, Site, Transport, Window, body, on_every_transport};

const CHAT: &str = "/api/post/chat";
const RECENT: &str = "/api/post/recent";

/// The reason for which the server ended its next connection.
async fn reason(server: &mut Server) -> (ClosedBy, u16) {
    let reason = tokio::time::timeout(PATIENCE, server.gone.recv()).await.expect("in time");
    let reason = reason.expect("a run of the disconnect handler");
    (reason.by(), reason.code())
}

on_every_transport! {
    async fn a_long_message_closes(transport: Transport) {
        let site = Site::start(transport, Limits { message_bytes: 100, ..limits() }).await;
        let mut chat = site.chat().await;
        assert!(chat.is_well().await);
        chat.emit("echo", &format!("\"{}\"", "x".repeat(100))).await.expect("sent");
        assert!(matches!(chat.end().await, Frame::Close(1009, _)));
    }
}

on_every_transport! {
    async fn deep_json_is_an_error_of_the_message(transport: Transport) {
        let site = Site::start(transport, Limits { json_depth: 5, ..limits() }).await;
        let mut chat = site.socket("/api/post/chat?alone").await;
        chat.emit("anything", "[[[[[[1]]]]]]").await.expect("sent");
        let text = chat.next_text().await;
        assert!(text.contains("\"code\":\"invalid\""), "{text}");
        assert!(chat.is_well().await);
    }
}

on_every_transport! {
    async fn what_comes_too_fast_is_dropped_and_a_flood_ends_the_connection(transport: Transport) {
        let site = Site::start(transport, Limits { rate: 1, burst: 5, ..limits() }).await;
        let mut chat = site.socket("/api/post/chat?alone").await;
        for _ in 0..10 {
            chat.emit("echo", "\"x\"").await.expect("sent");
        }
        let mut texts = Vec::new();
        while !texts.last().is_some_and(|text: &String| text.contains("\"code\":\"rate\"")) {
            texts.push(chat.next_text().await);
            assert!(texts.len() <= 6, "{texts:?}");
        }
        let flood = frame(1, true, b"[\"echo\",\"x\"]").repeat(500);
        let _ = chat.send(&flood).await;
        assert!(matches!(chat.end().await, Frame::Close(1008, _)));
    }
}

on_every_transport! {
    async fn joins_beyond_the_limits_fail(transport: Transport) {
        let limits = Limits { joins_per_second: 3, rooms_per_socket: 2, ..limits() };
        let site = Site::start(transport, limits).await;
        let mut chat = site.socket("/api/post/chat?alone").await;
        let mut answers = Vec::new();
        for room in ["a", "b", "c"] {
            chat.emit("join", &format!("\"{room}\"")).await.expect("sent");
            answers.push(chat.next_text().await);
        }
        assert_eq!(answers[..2], ["[\"echo\",\"a\"]", "[\"echo\",\"b\"]"]);
        assert!(answers[2].contains("rooms_per_socket"), "{answers:?}");
    }
}

on_every_transport! {
    async fn a_reader_that_falls_behind_is_closed(transport: Transport) {
        let limits = Limits { queue_bytes: 100_000, ..limits() };
        let mut site = Site::start(transport, limits).await;
        let _stalled = site.chat().await;
        let text = "x".repeat(50_000);
        let start = Instant::now();
        while site.server.gone.is_empty() {
            jstack_tests::app::say(&site.server.io, &text).await.expect("taken");
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert!(start.elapsed() < PATIENCE, "it is never closed");
        }
        assert_eq!(reason(&mut site.server).await, (ClosedBy::Limit, 1013));
    }
}

on_every_transport! {
    /// Its queue is far from full: time is what counts.
    async fn a_reader_that_takes_nothing_is_cut_off_and_the_application_hears_of_it(transport: Transport) {
        let write_timeout = Duration::from_millis(400);
        let limits = Limits { write_timeout, queue_bytes: 64 << 20, ..limits() };
        let mut site = Site::start(transport, limits).await;
        let _stalled = site.chat().await;
        let text = "x".repeat(100_000);
        for _ in 0..100 {
            jstack_tests::app::say(&site.server.io, &text).await.expect("taken");
        }
        assert_eq!(reason(&mut site.server).await, (ClosedBy::Limit, 1013));
    }
}

on_every_transport! {
    /// The whole takes a few times `write_timeout`, but something goes all the time. Linux wakes a
    /// writer once a third of its buffer is free, which is a megabyte on the loopback.
    async fn a_slow_reader_gets_everything(transport: Transport) {
        let write_timeout = Duration::from_secs(2);
        let limits = Limits { write_timeout, queue_bytes: 64 << 20, ..limits() };
        let site = Site::start(transport, limits).await;
        let mut chat = site.chat().await;
        let text = "x".repeat(100_000);
        for n in 0..200 {
            jstack_tests::app::say(&site.server.io, &format!("{n} {text}")).await.expect("taken");
        }
        let start = Instant::now();
        for n in 0..200 {
            let got = chat.next_text().await;
            assert!(got.starts_with(&format!("[\"say\",\"{n} ")), "{transport:?} {n}: {got:.40}");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        assert!(start.elapsed() > write_timeout * 2, "{:?}", start.elapsed());
    }
}

/// An answer that is longer than the sockets' buffers.
fn large() -> axum::Router {
    axum::Router::new().route("/large", axum::routing::get(async || "x".repeat(8 << 20)))
}

on_every_transport! {
    async fn an_answer_that_is_not_taken_is_given_up(transport: Transport) {
        let write_timeout = Duration::from_millis(400);
        let limits = Limits { write_timeout, ..limits() };
        let site = Site::start_with(transport, limits, |app| app.merge(large())).await;
        match site.connect_with(Window::Shut).await {
            Connection::Http1(mut client) => {
                client.send(b"GET /large HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("sent");
                tokio::time::sleep(write_timeout * 4).await;
                let answer = client.answer().await.expect("an end");
                assert!(answer.body.len() < 8 << 20, "{}", answer.body.len());
            }
            Connection::Http2(mut send) => {
                let request = http::Request::get("http://localhost/large").body(()).expect("one");
                let (answer, _) = send.send_request(request, true).expect("sent");
                let answer = answer.await.expect("a head");
                assert_eq!(body(answer.into_body()).await, None, "the stream is reset");
                // Nothing but the stream: the connection goes on.
                let request = http::Request::head("http://localhost/large").body(()).expect("one");
                let (answer, _) = send.send_request(request, true).expect("sent");
                assert_eq!(answer.await.expect("an answer").status(), 200);
            }
        }
    }
}

on_every_transport! {
    async fn an_answer_that_is_taken_slowly_is_taken_whole(transport: Transport) {
        let write_timeout = Duration::from_millis(500);
        let limits = Limits { write_timeout, ..limits() };
        let site = Site::start_with(transport, limits, |app| app.merge(large())).await;
        let Connection::Http2(mut send) = site.connect().await else { return };
        let request = http::Request::get("http://localhost/large").body(()).expect("one");
        let (answer, _) = send.send_request(request, true).expect("sent");
        let mut down = answer.await.expect("a head").into_body();
        let (mut read, mut paused) = (0, 0);
        while let Some(data) = down.data().await {
            let data = data.unwrap_or_else(|error| panic!("after {read}: {error}"));
            read += data.len();
            let _ = down.flow_control().release_capacity(data.len());
            if read / (256 << 10) > paused {
                paused += 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        assert_eq!((read, paused), (8 << 20, 32));
    }
}

on_every_transport! {
    async fn sockets_count_wherever_they_are(transport: Transport) {
        // Over HTTP/2 their connection has a place of its own.
        let carrier = u32::from(transport.is_http2());
        let by_address = Limits { connections_per_ip: 2 + carrier, ..limits() };
        let in_all = Limits { connections: 2 + carrier, ..limits() };
        for limits in [by_address, in_all] {
            let site = Site::start(transport, limits).await;
            let mut connection = site.connect().await;
            let mut held = Vec::new();
            for n in 0..2 {
                if n > 0 && !transport.is_http2() {
                    connection = site.connect().await;
                }
                held.push(connection.open(CHAT).await.map_err(|a| format!("{a:?}")).expect("a place"));
            }
            match transport {
                Transport::Http2 | Transport::Http2Tls => {
                    for _ in 0..20 {
                        let refused = connection.open(CHAT).await.map(drop).expect_err("no place");
                        assert_eq!(refused.status, 503, "{refused:?}");
                    }
                    // Without a socket it takes no place.
                    assert_eq!(connection.get(RECENT).await.status, 200);
                    held.pop();
                    let free = async { while connection.open(CHAT).await.is_err() {} };
                    tokio::time::timeout(PATIENCE, free).await.expect("a free place");
                }
                Transport::Tcp => {
                    let refused = site.connect().await.open(CHAT).await.map(drop).expect_err("full");
                    assert_eq!(refused.status, 503, "{refused:?}");
                }
                // It is refused before the handshake of TLS.
                Transport::Tls => {
                    let mut tcp = jstack_tests::Client::tcp(site.server.address).await.expect("tcp");
                    assert_eq!(tcp.answer().await.expect("an end").status, 0);
                }
            }
        }
    }
}

on_every_transport! {
    async fn half_heads_are_cut_off_first_or_behind_a_request(transport: Transport) {
        let header_timeout = Duration::from_millis(300);
        let site = Site::start(transport, Limits { header_timeout, ..limits() }).await;
        for sent in half_heads(transport) {
            let mut client = jstack_tests::Client::over(site.stream().await);
            let start = Instant::now();
            client.send(&sent).await.expect("sent");
            let end = async { while client.next().await != Frame::End {} };
            tokio::time::timeout(header_timeout + Duration::from_secs(4), end)
                .await
                .unwrap_or_else(|_| panic!("{sent:?} is never cut off"));
            assert!(start.elapsed() >= header_timeout / 2, "{:?}", start.elapsed());
        }
    }
}

/// What stops within a head, alone and behind a whole request.
fn half_heads(transport: Transport) -> Vec<Vec<u8>> {
    let get = format!("GET {RECENT} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let post = "POST /api/post/create HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                content-length: 1\r\n\r\n1";
    if !transport.is_http2() {
        return [
            "G".to_owned(),
            get[..40].to_owned(),
            format!("{get}{}", &get[..40]),
            format!("{get}{get}G"),
            format!("{post}{}", &get[..40]),
        ]
        .map(String::into_bytes)
        .to_vec();
    }
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    // `:method: GET`, `:scheme: http`, `:authority: localhost` and a path.
    let mut block = vec![0x82, 0x86, 0x41, 9];
    block.extend_from_slice(b"localhost");
    block.extend_from_slice(&[0x44, u8::try_from(RECENT.len()).expect("short")]);
    block.extend_from_slice(RECENT.as_bytes());
    let head = |stream: u8, flags: u8| {
        let length = u8::try_from(block.len()).expect("short");
        [&[0, 0, length, 1, flags, 0, 0, 0, stream], &block[..]].concat()
    };
    // 4 ends the head, 1 the stream.
    let whole = head(1, 5);
    vec![
        preface.clone(),
        [&preface[..], &head(1, 1)].concat(),
        [&preface[..], &whole, &head(3, 1)].concat(),
        [&preface[..], &whole, &head(3, 5)[..20]].concat(),
        [&preface[..], &whole, &head(3, 5)[..5]].concat(),
    ]
}

on_every_transport! {
    async fn bodies_come_in_time_and_are_not_too_long(transport: Transport) {
        let header_timeout = Duration::from_millis(300);
        let limits = Limits { header_timeout, body_bytes: 10_000, ..limits() };
        let site = Site::start(transport, limits).await;
        let create = "/api/post/create";
        let answer = site.connect().await.post(create, "1", 1).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let answer = site.connect().await.post(create, "[", 1000).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.body.contains("1024 bytes a second"), "{answer:?}");
        let long = format!("\"{}\"", "x".repeat(10_000));
        let answer = site.connect().await.post(create, &long, long.len()).await;
        assert_eq!(answer.status, 413, "{answer:?}");
    }
}

on_every_transport! {
    async fn a_handshake_that_takes_too_long_is_given_up(transport: Transport) {
        let handshake_timeout = Duration::from_millis(300);
        let site = Site::start(transport, Limits { handshake_timeout, ..limits() }).await;
        let refused = site.connect().await.open("/api/post/chat?hang").await;
        assert_eq!(refused.map(drop).expect_err("refused").status, 503);
    }
}

on_every_transport! {
    async fn a_handler_that_takes_too_long_is_dropped(transport: Transport) {
        let handler_timeout = Duration::from_millis(200);
        let site = Site::start(transport, Limits { handler_timeout, ..limits() }).await;
        let mut chat = site.chat().await;
        chat.emit("hang", "null").await.expect("sent");
        let text = chat.next_text().await;
        assert!(text.contains("\"code\":\"timeout\""), "{text}");
        assert!(chat.is_well().await);
    }
}

on_every_transport! {
    async fn a_silent_client_is_pinged_and_then_given_up(transport: Transport) {
        let (ping_interval, pong_timeout) = (Duration::from_millis(600), Duration::from_millis(300));
        let limits = Limits { ping_interval, pong_timeout, ..limits() };
        let mut site = Site::start(transport, limits).await;
        // The process is older than both when the client comes.
        tokio::time::sleep(ping_interval * 2).await;
        let mut chat = site.socket("/api/post/chat?alone").await;
        let start = Instant::now();
        assert_eq!(chat.next().await, Frame::Control(9, Vec::new()));
        assert!(start.elapsed() > ping_interval / 2, "{:?}", start.elapsed());
        assert_eq!(chat.end().await, Frame::End);
        assert!(start.elapsed() > ping_interval, "{:?}", start.elapsed());
        assert_eq!(reason(&mut site.server).await, (ClosedBy::Lost, 1006));
    }
}

on_every_transport! {
    /// Each of them reads the close, whatever the server's tasks do at the same time.
    async fn a_shutdown_closes_every_socket_with_its_reason(transport: Transport) {
        let mut site = Site::start(transport, limits()).await;
        let mut chats = Vec::new();
        for _ in 0..50 {
            chats.push(site.chat().await);
        }
        site.server.stop();
        for chat in &mut chats {
            assert_eq!(chat.end().await, Frame::Close(1012, "the server is restarting".into()));
        }
        drop(chats);
        site.server.stopped().await;
    }
}

on_every_transport! {
    async fn what_does_not_end_is_cut_off_at_the_deadline(transport: Transport) {
        let limits = Limits { drain_deadline: Duration::from_millis(300), ..limits() };
        let mut site = Site::start(transport, limits).await;
        let mut chat = site.chat().await;
        chat.emit("hang", "null").await.expect("sent");
        let start = Instant::now();
        site.server.stop();
        chat.end().await;
        site.server.stopped().await;
        assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    }
}

on_every_transport! {
    /// DNS rebinding: the page's own name leads to this server.
    async fn a_name_that_a_stranger_may_have_is_not_this_server(transport: Transport) {
        let site = Site::start(transport, limits()).await;
        for (host, status) in [
            ("localhost", 200),
            ("127.0.0.1:8080", 200),
            ("[::1]:8080", 200),
            ("evil.com", 403),
            ("localhost.evil.com", 403),
        ] {
            for path in [RECENT, "/api/_schema/openapi.json", "/nowhere"] {
                let answer = site.connect().await.get_from(host, path, "").await;
                let expected = if path == "/nowhere" && status == 200 { 404 } else { status };
                assert_eq!(answer.status, expected, "{host} {path}: {answer:?}");
            }
            let own = format!("{}://{host}", if transport.is_tls() { "https" } else { "http" });
            let answer = site.connect().await.get_from(host, RECENT, &own).await;
            assert_eq!(answer.status, status, "{own}: {answer:?}");
            // Whether it is alive is not a secret.
            assert_eq!(site.connect().await.get_from(host, "/healthz", "").await.status, 200);
        }
        let listed = |app: jstack_runtime::App| app.hosts(["app.example.com"]);
        let site = Site::start_with(transport, limits(), listed).await;
        for (host, status) in [("app.example.com", 200), ("localhost", 200), ("example.com", 403)] {
            let answer = site.connect().await.get_from(host, RECENT, "").await;
            assert_eq!(answer.status, status, "{host}: {answer:?}");
        }
    }
}
