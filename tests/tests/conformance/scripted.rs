//! A server whose every step is the test's.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

/// A handshake that waits for its answer.
pub struct Handshake {
    path: String,
    stream: TcpStream,
    key: String,
    pub offered: Vec<String>,
    pub query: Vec<(String, String)>,
}

/// The next handshake of the client of `path`, within `ms`.
///
/// Ports are given again: programs that are no part of this test may still dial the server that had
/// this one before. They ask for another path.
pub async fn dial(listener: &TcpListener, path: &str, ms: u64) -> Result<Handshake, String> {
    let ours = async {
        loop {
            let (stream, _) = listener.accept().await.map_err(|error| error.to_string())?;
            if let Ok(handshake) = read(stream).await
                && handshake.path.starts_with(path)
            {
                return Ok(handshake);
            }
        }
    };
    let dialled = timeout(Duration::from_millis(ms), ours).await;
    dialled.map_err(|_| format!("no dial within {ms} ms"))?
}

async fn read(mut stream: TcpStream) -> Result<Handshake, String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.map_err(|error| error.to_string())?);
    }
    let head = String::from_utf8(head).unwrap();
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    let protocols = header("sec-websocket-protocol").unwrap_or_default();
    let mut offered: Vec<String> = protocols
        .split(',')
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    // A client that may set headers sends its token there.
    if let Some(token) = header("authorization").as_deref().and_then(|v| v.strip_prefix("Bearer "))
        && !offered.is_empty()
    {
        offered.push(format!("jstack.bearer.{}", URL_SAFE_NO_PAD.encode(token)));
    }
    let target = head.split(' ').nth(1).unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = query.split('&').filter_map(|pair| pair.split_once('='));
    let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let key = header("sec-websocket-key").unwrap_or_default();
    Ok(Handshake { path: path.to_owned(), stream, key, offered, query })
}

impl Handshake {
    pub async fn refuse(mut self, status: u64) {
        let text =
            format!("HTTP/1.1 {status} Refused\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    pub async fn open(mut self, selects: &str) -> Connection {
        let accept = derive_accept_key(self.key.as_bytes());
        let mut text = format!(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-accept: {accept}\r\n"
        );
        if !selects.is_empty() {
            text += &format!("sec-websocket-protocol: {selects}\r\n");
        }
        text += "\r\n";
        self.stream.write_all(text.as_bytes()).await.unwrap();
        let socket = WebSocketStream::from_raw_socket(self.stream, Role::Server, None).await;
        let (commands, orders) = mpsc::unbounded_channel();
        let (frames_in, frames) = mpsc::unbounded_channel();
        let (closed_in, closed) = oneshot::channel();
        tokio::spawn(serve(socket, orders, frames_in, closed_in));
        Connection { commands, frames, closed: Some(closed) }
    }
}

enum Command {
    Send(Message),
    Cut,
}

async fn serve(
    mut socket: WebSocketStream<TcpStream>,
    mut orders: mpsc::UnboundedReceiver<Command>,
    frames: mpsc::UnboundedSender<Value>,
    closed: oneshot::Sender<u16>,
) {
    let mut code = 1006;
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Command::Send(message)) => _ = socket.send(message).await,
                // Its end is that of the stream, without a close frame.
                Some(Command::Cut) | None => return,
            },
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    let _ = frames.send(serde_json::from_str(&text).unwrap());
                }
                Some(Ok(Message::Close(said))) => {
                    code = said.map_or(1005, |said| said.code.into());
                    break;
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break,
            },
        }
    }
    let _ = closed.send(code);
    // Answers the close, and reads up to the end.
    while let Some(Ok(_)) = socket.next().await {}
}

/// A connection that is open, seen from the server. It is lost when this is dropped.
pub struct Connection {
    commands: mpsc::UnboundedSender<Command>,
    pub frames: mpsc::UnboundedReceiver<Value>,
    closed: Option<oneshot::Receiver<u16>>,
}

impl Connection {
    pub fn send(&self, text: String) {
        let _ = self.commands.send(Command::Send(Message::text(text)));
    }

    pub fn close(&self, code: u16, reason: &str) {
        let frame = CloseFrame { code: code.into(), reason: reason.to_owned().into() };
        let _ = self.commands.send(Command::Send(Message::Close(Some(frame))));
    }

    /// Loses the connection without a close frame.
    pub fn cut(&self) {
        let _ = self.commands.send(Command::Cut);
    }

    pub async fn closed(&mut self) -> Result<u16, String> {
        let closed = self.closed.take().ok_or("closed already")?;
        let closed = timeout(Duration::from_secs(3), closed).await;
        closed.map_err(|_| "the client does not close")?.map_err(|error| error.to_string())
    }
}
