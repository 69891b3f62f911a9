//! A procedure answers alike, whether it is called directly or by axum's router, as with any layer.
#![allow(unreachable_pub, missing_docs, clippy::pedantic, reason = "programs as users write them")]

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, MatchedPath, OriginalUri, RawPathParams};
use http::StatusCode;
use jstack_runtime::Raw;
use jstack_runtime::prelude::*;
use jstack_tests::Client;
use jstack_tests::server::limits;
use tokio::net::TcpListener;
use tower::layer::util::Identity;

#[derive(Debug, Serialize, Deserialize, JsonSchema, Payload)]
struct Seen {
    original: String,
    names: Vec<String>,
    matched: Option<String>,
    peer: bool,
}

#[procedure(get)]
async fn seen(
    OriginalUri(original): OriginalUri,
    names: RawPathParams,
    matched: Option<MatchedPath>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
) -> Seen {
    Seen {
        original: original.to_string(),
        names: names.iter().map(|(name, _)| name.to_owned()).collect(),
        matched: matched.map(|path| path.as_str().to_owned()),
        peer: peer.ip().is_loopback(),
    }
}

#[procedure(get)]
async fn status(Query(status): Query<Vec<(String, u16)>>) -> Raw<StatusCode> {
    Raw(StatusCode::from_u16(status[0].1).expect("a status"))
}

#[procedure(get)]
async fn long() -> String {
    "x".repeat(100_000)
}

#[procedure(get)]
async fn wrong() -> Result<u8> {
    Err(Error::conflict("it is so"))
}

#[procedure(get)]
async fn panics() -> u8 {
    panic!("for the test")
}

#[procedure(post, input = Vec<u8>)]
async fn sum(bytes: Vec<u8>) -> u32 {
    bytes.into_iter().map(u32::from).sum()
}

#[procedure(post)]
async fn nothing() {}

/// A server with all of this, on the same paths.
async fn serve(with: impl FnOnce(App) -> App) -> SocketAddr {
    let routes = || router![seen, status, long, wrong, panics, sum, nothing];
    let app = App::new().mount("a", routes()).mount("b/{id}", routes()).limits(limits());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(with(app).serve_on_until(listener, std::future::pending()));
    address
}

/// The lines of a head, in the order of their names, but for what differs from request to request.
fn lines(head: &str) -> String {
    let varies = |line: &&str| !line.starts_with("date: ") && !line.starts_with("x-request-id: ");
    let mut lines: Vec<_> = head.lines().filter(varies).collect();
    lines[1..].sort_unstable();
    lines.join("\n")
}

async fn answer(address: SocketAddr, request: &str) -> (String, String) {
    let mut client = Client::tcp(address).await.expect("a connection");
    let answer = client.ask(request.as_bytes()).await.expect("an answer");
    let body = if answer.head.contains("x-request-id") {
        // An id of the failure is in it.
        String::new()
    } else {
        answer.body
    };
    (lines(&answer.head), body)
}

#[tokio::test]
async fn a_direct_call_and_one_through_the_router_have_the_same_answer() {
    let direct = serve(|app| app).await;
    let routed = serve(|app| app.layer(Identity::new())).await;
    let mut answered = Vec::new();
    for mount in ["a", "b/7", "b/%2e", "a%2e", "A"] {
        for (method, rest) in [
            ("GET", "seen"),
            ("GET", "seen?x=%20&y"),
            ("GET", "status?s=200"),
            ("GET", "status?s=204"),
            ("GET", "status?s=304"),
            ("GET", "status?s=404"),
            ("GET", "status?s=503"),
            ("GET", "status?s=x"),
            ("GET", "long"),
            ("GET", "wrong"),
            ("GET", "panics"),
            ("GET", "sum"),
            ("GET", "none"),
            ("GET", "long/"),
            ("HEAD", "long"),
            ("OPTIONS", "long"),
            ("POST", "long"),
            ("POST", "nothing"),
            ("POST", "sum"),
        ] {
            for more in [
                "",
                "accept: application/problem+json\r\n",
                "origin: https://evil.example\r\n",
                "authorization: Bearer\r\n",
                "content-type: application/json\r\ncontent-length: 7\r\n",
                "content-type: application/json\r\ncontent-length: 4\r\n",
            ] {
                for version in ["1.1", "1.0"] {
                    let body = match more.rsplit_once("length: ") {
                        Some((_, "7\r\n")) => "[1,2,3]",
                        Some(_) => "[-1]",
                        None => "",
                    };
                    let request = format!(
                        "{method} /api/{mount}/{rest} HTTP/{version}\r\nhost: localhost\r\n\
                         connection: close\r\n{more}\r\n{body}"
                    );
                    let expected = answer(routed, &request).await;
                    assert!(expected.0.starts_with("http/1."), "{request}");
                    assert_eq!(answer(direct, &request).await, expected, "{request}");
                    answered.push(expected.0[9..12].to_owned());
                }
            }
        }
    }
    for status in ["200", "204", "304", "400", "403", "404", "405", "409", "422", "500", "503"] {
        assert!(answered.iter().any(|answered| answered == status), "{status}");
    }
}

#[tokio::test]
async fn each_host_is_checked_on_a_connection_that_named_another_before() {
    let address = serve(|app| app).await;
    let mut client = Client::tcp(address).await.expect("a connection");
    for (lines, status) in [
        ("host: localhost\r\n", 409),
        ("host: localhost\r\n", 409),
        ("host: evil.example\r\n", 403),
        ("host: localhost\r\n", 409),
        ("host: 127.0.0.1:1\r\n", 409),
    ] {
        let request = format!("GET /api/a/wrong HTTP/1.1\r\n{lines}\r\n");
        let answer = client.ask(request.as_bytes()).await.expect("an answer");
        assert_eq!(answer.status, status, "{lines}");
    }
    for request in [
        "GET /api/a/wrong HTTP/1.1\r\nhost: localhost\r\nhost: localhost\r\n\r\n",
        "GET /api/a/wrong HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n\r\n",
        "GET http://evil.example/api/a/wrong HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "GET /api/a/wrong HTTP/1.1\r\n\r\n",
    ] {
        let mut client = Client::tcp(address).await.expect("a connection");
        let first = b"GET /api/a/wrong HTTP/1.1\r\nhost: localhost\r\n\r\n";
        assert_eq!(client.ask(first).await.expect("an answer").status, 409);
        let answer = client.ask(request.as_bytes()).await.expect("an answer");
        assert!(matches!(answer.status, 400 | 403), "{request}: {}", answer.status);
    }
}
