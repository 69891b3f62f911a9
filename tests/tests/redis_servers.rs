//! Two servers on one Redis, as their clients see them: one chat, also across an outage.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod redis_support;

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use jstack_runtime::prelude::*;
use jstack_runtime::{Emitter, Redis};
use redis_support::Server;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::{WebSocketStream, tungstenite};

#[derive(Clone, Debug, Events)]
pub enum Chat {
    Message(String),
}

#[procedure(ws, incoming = Chat, outgoing = Chat)]
pub mod chat {
    use super::*;

    #[connect]
    async fn connect(socket: Socket) -> Result {
        socket.join("general").await
    }

    #[on(Message)]
    async fn message(io: Io, text: String) -> Result {
        io.to("general").message(&text).await
    }
}

#[procedure(get)]
async fn alive() -> &'static str {
    "yes"
}

/// Serves until the test ends; returns the address.
async fn serve(redis: &Server) -> String {
    let app = App::new()
        .broker(Redis::new(&redis.url()).unwrap())
        .mount("post", router![chat, alive])
        .into_router();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

struct Client(WebSocketStream<TcpStream>);

impl Client {
    async fn connect(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let url = format!("ws://{address}/api/post/chat");
        Self(tokio_tungstenite::client_async(url, stream).await.unwrap().0)
    }

    async fn say(&mut self, text: &str) {
        let frame = format!("[\"message\",\"{text}\"]");
        self.0.send(tungstenite::Message::text(frame)).await.unwrap();
    }

    async fn hear(&mut self) -> String {
        loop {
            let frame =
                timeout(Duration::from_secs(10), self.0.next()).await.expect("it hears something");
            if let tungstenite::Message::Text(text) = frame.unwrap().unwrap() {
                return text.to_string();
            }
        }
    }
}

fn said(text: &str) -> String {
    format!("[\"message\",\"{text}\"]")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn clients_of_two_servers_are_in_one_room_and_an_outage_does_not_end_that() {
    let mut redis = Server::start();
    let (one, other) = (serve(&redis).await, serve(&redis).await);
    let (mut ann, mut bob) = (Client::connect(&one).await, Client::connect(&other).await);
    ann.say("hello").await;
    assert_eq!((ann.hear().await, bob.hear().await), (said("hello"), said("hello")));
    bob.say("hi").await;
    assert_eq!((ann.hear().await, bob.hear().await), (said("hi"), said("hi")));

    redis.kill();
    // The emit fails, its sender gets the error, and no connection ends.
    ann.say("lost").await;
    let error: serde_json::Value = serde_json::from_str(&ann.hear().await).unwrap();
    assert_eq!((&error[0], &error[1]["code"]), (&"error".into(), &"broker".into()));
    // A room that this server listens to may still be joined: a gap is recorded for it.
    let mut eve = Client::connect(&one).await;
    let request = "GET /api/post/alive HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let mut http = TcpStream::connect(&one).await.unwrap();
    let mut answer = String::new();
    tokio::io::AsyncWriteExt::write_all(&mut http, request.as_bytes()).await.unwrap();
    tokio::io::AsyncReadExt::read_to_string(&mut http, &mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    redis.run();
    let since = Instant::now();
    // An emit that Redis does not take yet is an error. What one server emits before the other
    // listens again is a gap there. Within two seconds both hear everything.
    let mut word = 0;
    loop {
        word += 1;
        let word = format!("again {word}");
        bob.say(&word).await;
        let all = async {
            while ann.hear().await != said(&word) {}
            while eve.hear().await != said(&word) {}
            while bob.hear().await != said(&word) {}
        };
        if timeout(Duration::from_millis(100), all).await.is_ok() {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(2), "both servers are back in time");
    }

    let worker = Emitter::connect(&redis.url()).await.unwrap();
    let io = worker.io::<chat::Procedure>("post/chat");
    io.all().message("to all").await.unwrap();
    assert_eq!((ann.hear().await, bob.hear().await), (said("to all"), said("to all")));
}
