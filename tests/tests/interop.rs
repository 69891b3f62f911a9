//! The socket engine against tokio-tungstenite, an implementation that shares no code with it.

#![allow(clippy::expect_used, clippy::panic, reason = "helpers of tests")]

use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::{SinkExt as _, StreamExt as _};
use jstack_runtime::Limits;
use jstack_runtime::raw::Sockets;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame, coding::CloseCode};
use tokio_tungstenite::tungstenite::{Error, Message, http::StatusCode};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

type Client = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What `examples/echo` does, on a port of the system's choice.
async fn server(limits: Limits) -> String {
    async fn echo(State(sockets): State<Sockets>, request: Request) -> Response {
        sockets
            .upgrade(request, async |mut socket| {
                while let Some(message) = socket.recv().await {
                    socket.send(&message);
                }
            })
            .await
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("ws://{}/", listener.local_addr().expect("bound"));
    let app = axum::Router::new().route("/", axum::routing::any(echo));
    let app = app.with_state(Sockets::new(limits));
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

async fn connect(limits: Limits) -> Client {
    connect_async(server(limits).await).await.expect("a handshake").0
}

async fn next(client: &mut Client) -> Message {
    let message = tokio::time::timeout(Duration::from_secs(20), client.next()).await;
    message.expect("within the time").expect("not the end").expect("a message")
}

#[tokio::test]
async fn messages_of_every_length_of_header_come_back() {
    let mut client = connect(Limits { message_bytes: 1 << 20, ..Limits::default() }).await;
    for length in [0, 1, 125, 126, 127, 65_535, 65_536, 300_000] {
        for message in [Message::text("é".repeat(length / 2)), Message::binary(vec![7; length])] {
            client.send(message.clone()).await.expect("sent");
            assert_eq!(next(&mut client).await, message, "{length}");
        }
    }
}

#[tokio::test]
async fn fragments_become_one_message_and_a_ping_may_come_between() {
    let mut client = connect(Limits::default()).await;
    let frame = |text: &str, data, last| {
        Message::Frame(Frame::message(text.as_bytes().to_vec(), OpCode::Data(data), last))
    };
    client.send(frame("gr", Data::Text, false)).await.expect("sent");
    client.send(Message::Ping("between".into())).await.expect("sent");
    client.send(frame("ö", Data::Continue, false)).await.expect("sent");
    client.send(frame("ße", Data::Continue, true)).await.expect("sent");
    assert_eq!(next(&mut client).await, Message::Pong("between".into()));
    assert_eq!(next(&mut client).await, Message::text("größe"));
}

#[tokio::test]
async fn a_close_is_answered_with_its_code() {
    for (code, reason) in [(CloseCode::Normal, ""), (CloseCode::Library(4321), "grüße")] {
        let mut client = connect(Limits::default()).await;
        let said = CloseFrame { code, reason: reason.into() };
        client.send(Message::Close(Some(said))).await.expect("sent");
        let Message::Close(Some(answer)) = next(&mut client).await else { panic!("no close") };
        assert_eq!(answer.code, code);
        assert!(client.next().await.is_none(), "the server ends the stream");
    }
}

#[tokio::test]
async fn a_message_over_the_limit_closes_with_1009() {
    let mut client = connect(Limits { message_bytes: 1000, ..Limits::default() }).await;
    client.send(Message::text("x".repeat(1000))).await.expect("sent");
    assert_eq!(next(&mut client).await.len(), 1000);
    client.send(Message::text("x".repeat(1001))).await.expect("sent");
    let Message::Close(Some(close)) = next(&mut client).await else { panic!("no close") };
    assert_eq!(close.code, CloseCode::Size);
}

#[tokio::test]
async fn text_that_is_no_utf8_closes_with_1007() {
    let mut client = connect(Limits::default()).await;
    let frame = Frame::message(vec![b'a', 0xff], OpCode::Data(Data::Text), true);
    client.send(Message::Frame(frame)).await.expect("sent");
    let Message::Close(Some(close)) = next(&mut client).await else { panic!("no close") };
    assert_eq!(close.code, CloseCode::Invalid);
}

#[tokio::test]
async fn a_plain_request_is_told_to_upgrade() {
    let url = server(Limits::default()).await;
    let mut stream = TcpStream::connect(url.trim_start_matches("ws://").trim_end_matches('/'))
        .await
        .expect("it listens");
    let (mut read, mut write) = stream.split();
    tokio::io::AsyncWriteExt::write_all(
        &mut write,
        b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n",
    )
    .await
    .expect("sent");
    let mut answer = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut read, &mut answer).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 426 "), "{answer}");
}

#[tokio::test]
async fn an_unknown_path_is_refused_before_the_upgrade() {
    let url = server(Limits::default()).await + "nowhere";
    let Err(Error::Http(answer)) = connect_async(url).await else { panic!("let in") };
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}
