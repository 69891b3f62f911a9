//! Requests look alike in all versions of HTTP, and an offer to upgrade is only an offer.
#![allow(unreachable_pub, missing_docs, clippy::pedantic, reason = "programs as users write them")]

use std::net::SocketAddr;

use axum::http::{HeaderMap, Uri};
use jstack_runtime::prelude::*;
use jstack_tests::Client;
use jstack_tests::client::Answer;
use jstack_tests::server::limits;
use tokio::net::{TcpListener, TcpStream};

#[derive(Clone, Debug, Events)]
enum Chat {
    Seen(String),
}

#[procedure(ws, incoming = Chat, outgoing = Chat)]
mod chat {
    use super::*;

    #[connect]
    async fn connect(socket: Socket, headers: HeaderMap, uri: Uri) -> Result {
        socket.emit().seen(&seen(&headers, &uri)).await
    }

    #[on(Seen)]
    async fn seen_by_others(_: String) -> Result {
        Ok(())
    }
}

fn seen(headers: &HeaderMap, uri: &Uri) -> String {
    let all = |name| {
        let values = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("?"));
        values.collect::<Vec<_>>().join(" | ")
    };
    format!("{uri} {} {}", all("host"), all("cookie"))
}

#[procedure(get)]
async fn look(headers: HeaderMap, uri: Uri) -> String {
    seen(&headers, &uri)
}

#[procedure(post)]
async fn touch() -> &'static str {
    "touched"
}

async fn serve() -> SocketAddr {
    let app = App::new().limits(limits()).origins(Origins::any()).hosts(["any"]);
    let app = app.mount("t", router![chat, look, touch]);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(app.serve_on(listener));
    address
}

async fn ask(address: SocketAddr, request: &str) -> Answer {
    let mut client = Client::tcp(address).await.expect("a connection");
    client.ask(request.as_bytes()).await.expect("an answer")
}

#[tokio::test]
async fn a_handler_reads_all_cookies_and_the_host_of_http_2_as_of_http_1() {
    let address = serve().await;
    let request = "GET /api/t/look?x=1 HTTP/1.1\r\nhost: a.example\r\ncookie: a=1; sid=2\r\n\r\n";
    let seen = r#""/api/t/look?x=1 a.example a=1; sid=2""#;
    assert_eq!(ask(address, request).await.body, seen);
    let request = "GET http://a.example/api/t/look?x=1 HTTP/1.1\r\nhost: other\r\ncookie: a=1\r\ncookie: sid=2\r\n\r\n";
    assert_eq!(ask(address, request).await.body, seen);

    let tcp = TcpStream::connect(address).await.expect("a connection");
    let (send, connection) = h2::client::handshake(tcp).await.expect("a handshake");
    tokio::spawn(connection);
    let get = |method: &str, path: &str| {
        http::Request::builder()
            .method(method)
            .uri(format!("http://a.example{path}"))
            .version(http::Version::HTTP_2)
            .header("cookie", "a=1")
            .header("cookie", "sid=2")
    };
    let mut send = send.ready().await.expect("a stream");
    let (answer, _) = send
        .send_request(get("GET", "/api/t/look?x=1").body(()).expect("a request"), true)
        .expect("sent");
    let mut body = answer.await.expect("an answer").into_body();
    let text = body.data().await.expect("a body").expect("bytes");
    assert_eq!(text, seen.as_bytes());

    let mut send = send.ready().await.expect("a stream");
    while !send.is_extended_connect_protocol_enabled() {
        send = send.ready().await.expect("ready");
        tokio::task::yield_now().await;
    }
    let mut request = get("CONNECT", "/api/t/chat")
        .header("sec-websocket-version", "13")
        .header("origin", "http://b.example")
        .body(())
        .expect("a request");
    request.extensions_mut().insert(h2::ext::Protocol::from_static("websocket"));
    let (answer, _up) = send.send_request(request, false).expect("sent");
    let answer = answer.await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let frame = answer.into_body().data().await.expect("a frame").expect("bytes");
    assert!(frame.ends_with(br#"["seen","/api/t/chat a.example a=1; sid=2"]"#), "{frame:?}");
}

/// curl offers HTTP/2 so, and some clients TLS; a browser's cookies come along.
#[tokio::test]
async fn an_offer_to_upgrade_is_answered_as_if_it_were_not_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let app = App::new().limits(limits()).mount("t", router![chat, look, touch]);
    tokio::spawn(app.serve_on(listener));
    for (request, upgrade, status) in [
        ("GET /api/t/look", "h2c", 200),
        ("GET /api/t/look", "TLS/1.2, h2c", 200),
        ("POST /api/t/touch", "websocket", 200),
        ("GET /api/t/chat", "h2c", 426),
        // That is a WebSocket, whose cookies no origin vouches for.
        ("GET /api/t/chat", "TLS/1.2, websocket", 403),
        ("GET /api/t/look", "websocket", 403),
    ] {
        let text = format!(
            "{request} HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: {upgrade}\r\n\
             cookie: sid=1\r\ncontent-length: 0\r\n\r\n"
        );
        assert_eq!(ask(address, &text).await.status, status, "{request} {upgrade}");
    }
}

#[tokio::test]
async fn without_a_host_or_with_two_a_request_is_a_400() {
    let address = serve().await;
    for (head, status) in [
        ("GET /api/t/look HTTP/1.1\r\n", 400),
        ("GET /healthz HTTP/1.1\r\n", 400),
        ("GET /api/t/look HTTP/1.1\r\nhost: a\r\nhost: a\r\n", 400),
        ("GET /api/t/look HTTP/1.1\r\nhost: a b\r\n", 400),
        ("GET /api/t/look HTTP/1.0\r\n", 200),
        ("GET /api/t/look HTTP/1.1\r\nhost:\r\n", 200),
    ] {
        let answer = ask(address, &format!("{head}\r\n")).await;
        assert_eq!(answer.status, status, "{head}");
        assert!(status == 200 || answer.body.contains("`host`"), "{}", answer.body);
    }
}
