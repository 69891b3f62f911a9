//! Bodies as clients and layers send them, and values as other languages write them.
#![allow(unreachable_pub, missing_docs, clippy::pedantic, reason = "programs as users write them")]

use std::net::SocketAddr;

use jstack_runtime::prelude::*;
use jstack_tests::Client;
use jstack_tests::client::Answer;
use jstack_tests::server::limits;
use tokio::net::TcpListener;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
struct Post {
    text: String,
    n: u8,
}

#[derive(Clone, Debug, Events)]
enum Chat {
    Post(Post),
}

#[procedure(ws, incoming = Chat, outgoing = Chat)]
mod chat {
    use super::*;

    #[on(Post)]
    async fn post(socket: Socket, post: Post) -> Result {
        socket.emit().post(&post).await
    }
}

#[procedure(post)]
async fn void() -> &'static str {
    "done"
}

#[procedure(post, input = Post)]
async fn add(post: Post) -> u8 {
    post.n
}

async fn serve() -> SocketAddr {
    let limits = Limits { body_bytes: 1000, ..limits() };
    let app = App::new().limits(limits).mount("t", router![chat, void, add]);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(app.serve_on(listener));
    address
}

async fn ask(address: SocketAddr, request: &str) -> Answer {
    let mut client = Client::tcp(address).await.expect("a connection");
    client.ask(request.as_bytes()).await.expect("an answer")
}

/// Firefox over HTTP/2 and every layer that replaces the body say nothing about it in advance.
#[tokio::test]
async fn an_empty_body_of_unknown_length_is_none() {
    let address = serve().await;
    let chunked = "POST /api/t/void HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n";
    assert_eq!(ask(address, &format!("{chunked}\r\n0\r\n\r\n")).await.status, 200);
    let form = format!("{chunked}Content-Type: application/x-www-form-urlencoded\r\n\r\n");
    assert_eq!(ask(address, &format!("{form}3\r\na=b\r\n0\r\n\r\n")).await.status, 415);
    assert_eq!(ask(address, &format!("{form}0\r\n\r\n")).await.status, 200);
}

#[tokio::test]
async fn who_waits_to_be_asked_for_a_body_gets_the_refusal_at_once() {
    let address = serve().await;
    let post = |path: &str, kind: &str, length: usize| {
        format!(
            "POST /api/t/{path} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-type: {kind}\r\n\
             content-length: {length}\r\n\r\n"
        )
    };
    for (request, status) in [
        (post("add", "application/json", 2000), 413),
        (post("add", "text/plain", 5), 415),
        (post("void", "text/plain", 5), 415),
        (post("nothing", "application/json", 5), 404),
    ] {
        assert_eq!(ask(address, &request).await.status, status, "{request}");
    }
    assert_eq!(ask(address, &post("add", "application/json", 5)).await.status, 100);
}

#[tokio::test]
async fn half_of_a_character_and_whole_numbers_are_the_same_on_sockets() {
    let mut socket = Client::open(serve().await, "/api/t/chat", "").await.expect("a socket");
    for cut in [r#"{"text":"cut \ud83d","n":1}"#, r#"{"n":1,"text":"\udc00 cut"}"#] {
        socket.emit("post", cut).await.expect("sent");
        let error = socket.next_text().await;
        assert!(error.contains(r#""event":"post","code":"invalid""#), "{error}");
        assert!(error.contains(r#""path":"text","message":"has half of a character"#), "{error}");
    }
    socket.text("\u{feff}[\"post\",1]").await.expect("sent");
    let error = socket.next_text().await;
    assert!(error.contains("malformed") && error.contains("byte order mark"), "{error}");
    socket.emit("post", r#"{"text":"5.0","n":5.0}"#).await.expect("sent");
    assert_eq!(socket.next_text().await, r#"["post",{"text":"5.0","n":5}]"#);
    socket.emit("post", r#"{"text":"","n":5.5}"#).await.expect("sent");
    assert!(socket.next_text().await.contains(r#""path":"n""#));
}
