//! What a mistake costs: its answer is short, and the work for it grows with the input alone.
#![allow(unreachable_pub, missing_docs, clippy::pedantic, reason = "programs as users write them")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use jstack_runtime::prelude::*;
use jstack_tests::Client;
use jstack_tests::client::Answer;
use jstack_tests::server::limits;
use tokio::net::TcpListener;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
#[serde(rename_all = "camelCase")]
struct Items {
    #[garde(dive)]
    chat_items: Vec<Item>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
struct Item {
    #[garde(length(chars, min = 1))]
    t: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
#[serde(rename_all = "lowercase")]
enum Colour {
    Red,
}

#[derive(Clone, Debug, Events)]
enum Chat {
    Items(Items),
    Colour(Colour),
}

#[procedure(ws, incoming = Chat, outgoing = Chat)]
mod chat {
    use super::*;

    #[on(Items)]
    async fn items(_: Items) -> Result {
        Ok(())
    }

    #[on(Colour)]
    async fn colour(_: Colour) -> Result {
        Ok(())
    }
}

#[procedure(post, input = Items)]
async fn items(_: Items) -> &'static str {
    "read"
}

#[procedure(post, input = Colour)]
async fn colour(_: Colour) -> &'static str {
    "read"
}

#[procedure(get, input = Items)]
async fn find(_: Items) -> &'static str {
    "read"
}

async fn serve() -> SocketAddr {
    let limits = Limits { body_bytes: 4 << 20, message_bytes: 4 << 20, ..limits() };
    let app = App::new().limits(limits).mount("t", router![chat, items, colour, find]);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(app.serve_on(listener));
    address
}

/// Many keys beside many issues, for a type whose names travel in another case.
fn many(n: usize) -> String {
    let others: Vec<_> = (0..n).map(|n| format!("\"A{n:06}\":0")).collect();
    format!("{{{},\"chatItems\":[{}]}}", others.join(","), vec![r#"{"t":""}"#; n].join(","))
}

async fn post(address: SocketAddr, path: &str, body: &str) -> Answer {
    let mut client = Client::tcp(address).await.expect("a connection");
    let request = format!(
        "POST /api/t/{path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
         accept: application/problem+json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    client.ask(request.as_bytes()).await.expect("an answer")
}

#[tokio::test]
async fn of_a_large_body_with_many_mistakes_the_answer_is_short_and_soon_there() {
    let address = serve().await;
    let body = many(40_000);
    let start = Instant::now();
    let answer = post(address, "items", &body).await;
    let took = start.elapsed();
    assert_eq!(answer.status, 422);
    assert!(answer.body.len() < 16 * 1024, "{} bytes", answer.body.len());
    assert!(answer.body.contains(r#""path":"chatItems[0].t""#), "{}", answer.body);
    assert!(answer.body.contains("there may be more: only the first 50 are listed"));
    // It took minutes.
    assert!(took < Duration::from_secs(5), "{} bytes took {took:?}", body.len());

    let mut socket = Client::open(address, "/api/t/chat", "").await.expect("a socket");
    let start = Instant::now();
    socket.emit("items", &body).await.expect("sent");
    let error = socket.next_text().await;
    let took = start.elapsed();
    assert!(error.starts_with(r#"["error",{"event":"items","code":"invalid""#), "{error}");
    assert!(error.len() < 16 * 1024, "{} bytes", error.len());
    assert!(took < Duration::from_secs(5), "{} bytes took {took:?}", body.len());
}

#[tokio::test]
async fn a_long_refused_value_is_not_sent_back() {
    let address = serve().await;
    let long = format!("\"{}\"", "x".repeat(900_000));
    let answer = post(address, "colour", &long).await;
    assert_eq!(answer.status, 422);
    assert!(answer.body.len() < 4096, "{} bytes", answer.body.len());
    assert!(answer.body.contains("unknown variant `xxx"), "{}", answer.body);
    assert!(answer.body.contains("xxx`, expected `red`"), "{}", answer.body);

    let mut socket = Client::open(address, "/api/t/chat", "").await.expect("a socket");
    socket.emit("colour", &long).await.expect("sent");
    let error = socket.next_text().await;
    assert!(error.len() < 4096, "{} bytes", error.len());
    assert!(error.contains("xxx`, expected `red`"), "{error}");
    let nowhere = "\\u0007n".repeat(100_000);
    socket.text(&format!("[\"{nowhere}\",1]")).await.expect("sent");
    let error = socket.next_text().await;
    assert!(error.contains(r#""code":"unknown_event""#) && error.len() < 1024, "{error}");

    let mut client = Client::tcp(address).await.expect("a connection");
    let query = format!("chatItems=%5B7%5D&{}=1", "k".repeat(20_000));
    let request = format!("GET /api/t/find?{query} HTTP/1.1\r\nhost: x\r\n\r\n");
    let answer = client.ask(request.as_bytes()).await.expect("an answer");
    assert_eq!(answer.status, 422);
    assert!(answer.body.len() < 1024, "{}", answer.body);
    let method = "M".repeat(10_000);
    let request = format!("{method} /api/t/find HTTP/1.1\r\nhost: x\r\n\r\n");
    let answer = Client::tcp(address).await.expect("a connection").ask(request.as_bytes()).await;
    assert!(answer.expect("an answer").body.len() < 1024);
}
