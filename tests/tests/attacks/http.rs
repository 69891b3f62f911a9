//! Heads, bodies and forms.

use std::time::{Duration, Instant};

use jstack_runtime::Limits;
use jstack_tests::client::handshake;
use jstack_tests::server::limits;
use jstack_tests::{Client, Server};

/// Slowloris (CWE-400): axum's own `serve` keeps a half-sent head for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_half_sent_heads_are_gone_in_time_and_a_handshake_is_quick_meanwhile() {
    let header_timeout = Duration::from_millis(1500);
    let server = Server::start(Limits { header_timeout, ..limits() }).await;
    let start = Instant::now();
    let mut half = Vec::new();
    for n in 0..1000 {
        let mut client = Client::tcp(server.address).await.expect("a connection");
        // Nothing, a byte, half a head, half the preface of HTTP/2, and its whole.
        let sent: &[u8] = match n % 5 {
            0 => b"",
            1 => b"G",
            2 => b"GET /api/post/chat HTTP/1.1\r\nhost: x\r\nupgra",
            3 => b"PRI * HTTP/2.0\r\n",
            _ => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        };
        client.send(sent).await.expect("sent");
        half.push(client);
    }
    let mut slowest = Duration::ZERO;
    for _ in 0..50 {
        let before = Instant::now();
        Client::chat(server.address).await.expect("a healthy handshake");
        slowest = slowest.max(before.elapsed());
    }
    for client in &mut half {
        assert_eq!(client.answer().await.expect("an end").status, 0);
    }
    let gone = start.elapsed();
    println!("1000 half heads gone after {gone:?}, slowest handshake meanwhile {slowest:?}");
    assert!(gone < header_timeout + Duration::from_secs(3), "{gone:?}");
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");
}

/// One byte of a head each time, so that something always happens.
#[tokio::test]
async fn a_head_that_trickles_does_not_outlive_the_timeout() {
    let server =
        Server::start(Limits { header_timeout: Duration::from_millis(300), ..limits() }).await;
    let mut client = Client::tcp(server.address).await.expect("a connection");
    let start = Instant::now();
    for byte in handshake("/api/post/chat", &"x: y\r\n".repeat(100)).bytes() {
        if client.send(&[byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert_eq!(client.answer().await.expect("an end").status, 0);
}

/// Between requests a connection may rest, but a second head gets no more time than the first.
#[tokio::test]
async fn a_second_head_that_stops_half_way_is_cut_off_and_a_pause_between_requests_is_not() {
    let header_timeout = Duration::from_millis(200);
    let server = Server::start(Limits { header_timeout, ..limits() }).await;
    let get = b"GET /api/post/recent HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut client = Client::tcp(server.address).await.expect("a connection");
    assert_eq!(client.ask(get).await.expect("an answer").status, 200);
    tokio::time::sleep(header_timeout * 3).await;
    assert_eq!(client.ask(get).await.expect("an answer after a pause").status, 200);
    let start = Instant::now();
    assert_eq!(client.ask(&get[..20]).await.expect("an end").status, 0);
    assert!(start.elapsed() < Duration::from_secs(3));
}

/// CVE-2020-36048 (engine.io): resources exhausted by POST. R-U-Dead-Yet: a body that never ends.
#[tokio::test]
async fn a_body_that_does_not_come_is_given_up_and_a_long_one_is_refused() {
    let header_timeout = Duration::from_millis(300);
    let server = Server::start(Limits { header_timeout, ..limits() }).await;
    let mut slow = Client::tcp(server.address).await.expect("a connection");
    let head = "POST /api/post/create HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let start = Instant::now();
    let request = format!("{head}content-length: 1000\r\n\r\n{{");
    let answer = slow.ask(request.as_bytes()).await.expect("an answer");
    assert_eq!(answer.status, 400, "{answer:?}");
    assert!(answer.body.contains("1024 bytes a second"), "{answer:?}");
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());

    let mut long = Client::tcp(server.address).await.expect("a connection");
    let request = format!("{head}content-length: 99999999999\r\n\r\n");
    assert_eq!(long.ask(request.as_bytes()).await.expect("an answer").status, 413);

    let mut chunked = Client::tcp(server.address).await.expect("a connection");
    chunked
        .send(format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes())
        .await
        .expect("sent");
    let chunk = [b"10000\r\n".as_slice(), &[b'1'; 0x10000], b"\r\n"].concat();
    for _ in 0..40 {
        if chunked.send(&chunk).await.is_err() {
            break;
        }
    }
    // Far beyond the limit the rest is not read, which may take the answer back on its way.
    let status = chunked.answer().await.expect("an answer").status;
    assert!(matches!(status, 413 | 0), "{status}");
}

/// CVE-2023-43669 (tungstenite): a long header parsed in quadratic time. CVE-2024-37890 (ws):
/// more headers than the limit crash the server.
#[tokio::test]
async fn a_head_of_a_megabyte_and_two_thousand_headers_are_a_431_and_cheap() {
    let server = Server::start(limits()).await;
    let start = Instant::now();
    for more in [format!("x: {}\r\n", "y".repeat(1 << 20)), "x: y\r\n".repeat(2000)] {
        let mut client = Client::tcp(server.address).await.expect("a connection");
        let request = handshake("/api/post/chat", &more);
        let answer = client.ask(request.as_bytes()).await.expect("an answer");
        // The rest of a megabyte is not read, which may take the answer back on its way.
        assert!(matches!(answer.status, 431 | 0), "{answer:?}");
    }
    let mut client = Client::tcp(server.address).await.expect("a connection");
    let request = handshake("/api/post/chat", &format!("x: {}\r\n", "y".repeat(33 * 1024)));
    assert_eq!(client.ask(request.as_bytes()).await.expect("an answer").status, 431);
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    assert!(Client::chat(server.address).await.expect("a chat").is_well().await);
}

/// CVE-2021-32640 (ws): a subprotocol header that a regular expression chokes on. ws, 2017:
/// `Sec-WebSocket-Extensions: constructor`. CVE-2026-2229 (undici): garbage in the parameters.
#[tokio::test]
async fn hostile_values_of_the_handshakes_headers_do_nothing() {
    let server = Server::start(limits()).await;
    let spaces = format!("sec-websocket-protocol: a{}b\r\n", " ".repeat(30_000));
    let long = format!("sec-websocket-extensions: {}\r\n", "a;".repeat(15_000));
    for more in [
        &*spaces,
        &*long,
        "sec-websocket-extensions: constructor\r\n",
        "sec-websocket-extensions: __proto__; toString=1\r\n",
        "sec-websocket-extensions: permessage-deflate; server_max_window_bits=-1\r\n",
        "sec-websocket-extensions: permessage-deflate; server_max_window_bits=999999999999999999999\r\n",
        "sec-websocket-extensions: permessage-deflate; client_max_window_bits; client_max_window_bits\r\n",
        "sec-websocket-extensions: \"\\\r\n",
    ] {
        let start = Instant::now();
        let mut client = Client::open(server.address, "/api/post/chat", more).await.expect(more);
        assert!(client.is_well().await);
        assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    }
}

/// CVE-2022-41940, CVE-2023-31125 (engine.io): a crafted request ends the process.
#[tokio::test]
async fn crafted_handshakes_are_answered_with_what_is_wrong() {
    let server = Server::start(limits()).await;
    let whole = handshake("/api/post/chat", "");
    for (request, status) in [
        (whole.replace("GET", "POST"), 405),
        (whole.replace("version: 13", "version: 8"), 426),
        (whole.replace("connection: upgrade", "connection: close"), 400),
        (whole.replace("dGhlIHNhbXBsZSBub25jZQ==", "short"), 400),
        (whole.replace("sec-websocket-key: ", "sec-websocket-key: a\r\nsec-websocket-key: "), 400),
        (whole.replace("/api/post/chat", "/api/post/chat/../../../etc/passwd"), 404),
        (whole.replace("/api/post/chat", "/api/post/%00%ff%2e%2e"), 404),
        (whole.replace("host: localhost\r\n", "host: a\r\nhost: b\r\n"), 400),
        (whole.replace("HTTP/1.1", "HTTP/1.0"), 400),
        (whole.replace("HTTP/1.1", "HTTP/9.9"), 400),
        ("\0\0\0\0\r\n\r\n".into(), 400),
        (whole.replace("host:", "ho\0st:"), 400),
    ] {
        let mut client = Client::tcp(server.address).await.expect("a connection");
        let answer = client.ask(request.as_bytes()).await.expect("an answer");
        assert_eq!(answer.status, status, "{request:?}: {answer:?}");
    }
}

/// CWE-444: two lengths, so that a proxy and the server disagree on where a request ends.
#[tokio::test]
async fn requests_of_two_lengths_are_refused() {
    let server = Server::start(limits()).await;
    let head = "POST /api/post/create HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    for more in [
        "content-length: 1\r\ncontent-length: 2\r\n\r\n11",
        "content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "content-length: -1\r\n\r\n1",
        "content-length: 0x1\r\n\r\n1",
    ] {
        let smuggled = "GET /api/post/broken HTTP/1.1\r\nhost: x\r\n\r\n";
        let mut client = Client::tcp(server.address).await.expect("a connection");
        let request = format!("{head}{more}{smuggled}");
        let answer = client.ask(request.as_bytes()).await.expect("an answer");
        // Chunks count before a length, and are then the last that the connection says.
        let last = answer.head.contains("connection: close");
        assert!(answer.status == 400 || last, "{more:?}: {answer:?}");
        // What was smuggled in must not be run, or the connection must at least not go on.
        let second = client.answer().await.expect("an end");
        assert_eq!(second.status, 0, "{more:?}: {second:?}");
    }
}

/// CWE-352: a form of a foreign page needs no preflight.
#[tokio::test]
async fn a_cross_site_form_never_reaches_a_handler() {
    let server = Server::start(limits()).await;
    for kind in
        ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"]
    {
        for origin in ["origin: https://evil.example\r\n", "origin: null\r\n", ""] {
            for (path, body) in [("create", "{\"a\":1}"), ("create", "a=1"), ("touch", "a=1")] {
                let request = format!(
                    "POST /api/post/{path} HTTP/1.1\r\nhost: localhost\r\n{origin}content-type: {kind}\r\n\
                     content-length: {}\r\ncookie: session=1\r\n\r\n{body}",
                    body.len()
                );
                let mut client = Client::tcp(server.address).await.expect("a connection");
                let answer = client.ask(request.as_bytes()).await.expect("an answer");
                let expected = if origin.is_empty() { 415 } else { 403 };
                assert_eq!(answer.status, expected, "{request:?}: {answer:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_nowhere_is_told_so_outside_of_the_base_path_too() {
    let server = Server::start(limits()).await;
    for path in ["/api/post/nowhere", "/api", "/nowhere", "/"] {
        let mut client = Client::tcp(server.address).await.expect("a connection");
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        let answer = client.ask(request.as_bytes()).await.expect("an answer");
        assert_eq!((answer.status, &*answer.body), (404, "404 Not Found"), "{path}");
    }
}
