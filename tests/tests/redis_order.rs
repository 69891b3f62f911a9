//! The order in which a client hears what one handler emits, as `docs/rooms.md` promises it.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod redis_support;

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use jstack_runtime::prelude::*;
use jstack_runtime::{Limits, Redis};
use redis_support::Server;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite};

#[derive(Clone, Debug, Events)]
pub enum Asked {
    /// Emits twice each way that has an order with every broker.
    Ordered(u32),
    /// Emits twice each way that has an order with the embedded broker alone.
    Mixed(u32),
}

#[derive(Clone, Debug, Events)]
pub enum Echo {
    Heard(String),
}

#[procedure(ws, incoming = Asked, outgoing = Echo)]
pub mod order {
    use super::*;

    #[connect]
    async fn connect(socket: Socket) -> Result {
        socket.join("a").await?;
        socket.join("b").await
    }

    #[on(Ordered)]
    async fn ordered(socket: Socket, io: Io, n: u32) -> Result {
        socket.emit().heard(&format!("{n} own 1")).await?;
        socket.emit().heard(&format!("{n} own 2")).await?;
        io.to("a").heard(&format!("{n} room 1")).await?;
        io.to("a").heard(&format!("{n} room 2")).await
    }

    #[on(Mixed)]
    async fn mixed(socket: Socket, io: Io, n: u32) -> Result {
        io.to("a").heard(&format!("{n} a")).await?;
        io.to("b").heard(&format!("{n} b")).await?;
        socket.emit().heard(&format!("{n} own")).await
    }
}

/// A client of a server with this broker.
async fn client(app: App) -> WebSocketStream<TcpStream> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let limits = Limits { rate: u32::MAX, ..Limits::default() };
    tokio::spawn(app.limits(limits).mount("post", router![order]).serve_on(listener));
    let stream = TcpStream::connect(&address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    client_async(format!("ws://{address}/api/post/order"), stream).await.unwrap().0
}

/// Sends the event with this number, and returns the next texts.
async fn heard(
    client: &mut WebSocketStream<TcpStream>,
    event: &str,
    n: u32,
    count: usize,
) -> Vec<String> {
    client.send(tungstenite::Message::text(format!("[\"{event}\",{n}]"))).await.unwrap();
    let mut heard = Vec::new();
    while heard.len() < count {
        let frame = timeout(Duration::from_secs(10), client.next()).await.expect("it is heard");
        if let tungstenite::Message::Text(text) = frame.unwrap().unwrap() {
            let (name, text): (String, String) = serde_json::from_str(&text).unwrap();
            assert_eq!(name, "heard");
            heard.push(text);
        }
    }
    heard
}

async fn is_ordered(client: &mut WebSocketStream<TcpStream>) {
    for n in 0..200 {
        let expected = ["own 1", "own 2", "room 1", "room 2"].map(|text| format!("{n} {text}"));
        assert_eq!(heard(client, "ordered", n, 4).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn embedded_what_a_handler_emits_is_heard_in_its_order() {
    let mut client = client(App::new()).await;
    is_ordered(&mut client).await;
    for n in 0..200 {
        let expected = ["a", "b", "own"].map(|text| format!("{n} {text}"));
        assert_eq!(heard(&mut client, "mixed", n, 3).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn through_redis_the_documented_orders_are_kept_and_nothing_is_lost() {
    let redis = Server::start();
    let mut client = client(App::new().broker(Redis::new(&redis.url()).unwrap())).await;
    is_ordered(&mut client).await;
    let mut overtaken = 0;
    for n in 0..200 {
        let mut heard = heard(&mut client, "mixed", n, 3).await;
        overtaken += usize::from(heard[2] != format!("{n} own"));
        heard.sort_unstable();
        assert_eq!(heard, ["a", "b", "own"].map(|text| format!("{n} {text}")));
    }
    println!("an emit to the connection overtook one to a room {overtaken} times in 200");
}
