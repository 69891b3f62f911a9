//! Two servers on one Redis, as their clients see them: one chat, also across an outage.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod redis_support;

use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use jstack_runtime::prelude::*;
use jstack_runtime::{Emitter, Redis};
use redis_support::Server;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
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
        Self::try_connect(address).await.unwrap()
    }

    async fn try_connect(address: &str) -> Result<Self, tungstenite::Error> {
        let stream = TcpStream::connect(address).await.unwrap();
        let url = format!("ws://{address}/api/post/chat");
        Ok(Self(tokio_tungstenite::client_async(url, stream).await?.0))
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
    // The emit fails, who said it is told, and nobody's connection ends.
    ann.say("lost").await;
    let error: serde_json::Value = serde_json::from_str(&ann.hear().await).unwrap();
    assert_eq!((&error[0], &error[1]["code"]), (&"error".into(), &"broker".into()));
    match Client::try_connect(&one).await {
        Err(tungstenite::Error::Http(answer)) => assert_eq!(answer.status(), 503),
        _ => panic!("a room that cannot be heard must not be joined"),
    }
    let request = "GET /api/post/alive HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let mut http = TcpStream::connect(&one).await.unwrap();
    let mut answer = String::new();
    tokio::io::AsyncWriteExt::write_all(&mut http, request.as_bytes()).await.unwrap();
    tokio::io::AsyncReadExt::read_to_string(&mut http, &mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    redis.run();
    let since = Instant::now();
    let mut eve = loop {
        match Client::try_connect(&one).await {
            Ok(client) => break client,
            Err(_) => assert!(since.elapsed() < Duration::from_secs(2), "joins are back in time"),
        }
        sleep(Duration::from_millis(20)).await;
    };
    // The other server may need a moment longer: what it cannot take it says.
    let answer = loop {
        bob.say("again").await;
        let answer = bob.hear().await;
        if answer == said("again") {
            break answer;
        }
        assert!(since.elapsed() < Duration::from_secs(3), "{answer}");
    };
    assert_eq!(
        (answer, ann.hear().await, eve.hear().await),
        (said("again"), said("again"), said("again"))
    );

    let worker = Emitter::connect(&redis.url()).await.unwrap();
    let io = worker.io::<chat::Procedure>("post/chat");
    io.all().message(&"to all".to_owned()).await.unwrap();
    assert_eq!((ann.hear().await, bob.hear().await), (said("to all"), said("to all")));
}
