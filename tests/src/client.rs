//! A client of bytes: it can do everything that the protocol forbids.

#![allow(
    clippy::missing_panics_doc,
    clippy::single_match_else,
    clippy::decimal_bitwise_operands,
    reason = "for tests"
)]

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longer than anything that a test waits for takes.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A frame from the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A text.
    Text(String),
    /// A ping or pong.
    Control(u8, Vec<u8>),
    /// A close frame's code (0 for none) and reason.
    Close(u16, String),
    /// The stream ended.
    End,
}

/// A WebSocket client, or what pretends to be one.
#[derive(Debug)]
pub struct Client<T = TcpStream> {
    io: T,
    buffer: Vec<u8>,
}

/// The answer to a request.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The status; 0 where the connection ended without an answer.
    pub status: u16,
    /// The head, as it came.
    pub head: String,
    /// The body.
    pub body: String,
}

/// A handshake for `path`, with further header lines that end in `\r\n`.
pub fn handshake(path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

/// A frame as clients write it, masked.
pub fn frame(opcode: u8, fin: bool, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(opcode | if fin { 0x80 } else { 0 }, payload.len() as u64);
    let at = bytes.len();
    bytes.extend_from_slice(payload);
    for (n, byte) in bytes[at..].iter_mut().enumerate() {
        *byte ^= MASK[n % 4];
    }
    bytes
}

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A masked frame's header that declares a length.
pub fn header(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    match u8::try_from(length) {
        Ok(short @ 0..=125) => bytes.push(0x80 | short),
        _ => match u16::try_from(length) {
            Ok(middle) => {
                bytes.push(0x80 | 126);
                bytes.extend_from_slice(&middle.to_be_bytes());
            }
            Err(_) => {
                bytes.push(0x80 | 127);
                bytes.extend_from_slice(&length.to_be_bytes());
            }
        },
    }
    bytes.extend_from_slice(&MASK);
    bytes
}

impl Client {
    /// Connects without saying anything.
    pub async fn tcp(address: SocketAddr) -> io::Result<Self> {
        let io = TcpStream::connect(address).await?;
        io.set_nodelay(true)?;
        Ok(Self::over(io))
    }

    /// Opens the chat.
    pub async fn chat(address: SocketAddr) -> io::Result<Self> {
        Self::open(address, "/api/post/chat", "").await
    }

    /// Opens a WebSocket; fails with the answer where it is refused.
    pub async fn open(address: SocketAddr, path: &str, more: &str) -> io::Result<Self> {
        let mut client = Self::tcp(address).await?;
        let answer = client.ask(handshake(path, more).as_bytes()).await?;
        if answer.status != 101 {
            return Err(io::Error::other(format!("{} {}", answer.status, answer.body)));
        }
        Ok(client)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Client<T> {
    /// A client on a stream.
    pub fn over(io: T) -> Self {
        Self { io, buffer: Vec::new() }
    }

    /// The stream.
    pub fn io(&mut self) -> &mut T {
        &mut self.io
    }

    /// Sends bytes.
    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.io.write_all(bytes).await
    }

    /// Sends a text frame.
    pub async fn text(&mut self, text: &str) -> io::Result<()> {
        self.send(&frame(1, true, text.as_bytes())).await
    }

    /// Sends `[event, data]`.
    pub async fn emit(&mut self, event: &str, data: &str) -> io::Result<()> {
        self.text(&format!("[\"{event}\",{data}]")).await
    }

    /// Reads some bytes more; `false` at the end.
    async fn more(&mut self) -> bool {
        let read = tokio::time::timeout(PATIENCE, self.io.read_buf(&mut self.buffer)).await;
        match read {
            Ok(Ok(length)) => length > 0,
            Ok(Err(_)) => false,
            Err(_) => {
                self.buffer.clear();
                self.buffer.extend_from_slice(b"the client's patience is at its end");
                false
            }
        }
    }

    /// Sends a request and reads its answer.
    pub async fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        // A server that refuses may have closed already: its answer counts.
        let _ = self.send(request).await;
        self.answer().await
    }

    /// Reads an answer; status 0 where the connection ends without one.
    pub async fn answer(&mut self) -> io::Result<Answer> {
        let end = loop {
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if !self.more().await {
                return Ok(Answer::default());
            }
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).to_ascii_lowercase();
        self.buffer.drain(..end);
        let status = head.get(9..12).and_then(|status| status.parse().ok()).unwrap_or_default();
        let length = head.split("content-length: ").nth(1).and_then(|rest| {
            rest.split("\r\n").next().and_then(|length| length.trim().parse::<usize>().ok())
        });
        let length = length.unwrap_or_default();
        while self.buffer.len() < length && self.more().await {}
        let body: Vec<u8> = self.buffer.drain(..length.min(self.buffer.len())).collect();
        Ok(Answer { status, head, body: String::from_utf8_lossy(&body).into_owned() })
    }

    /// The next frame.
    pub async fn next(&mut self) -> Frame {
        loop {
            if let Some((opcode, at, end)) = self.whole_frame() {
                let payload: Vec<u8> = self.buffer.drain(..end).skip(at).collect();
                return match opcode {
                    1 => Frame::Text(String::from_utf8_lossy(&payload).into_owned()),
                    8 => {
                        let code =
                            payload.first_chunk().map_or(0, |code| u16::from_be_bytes(*code));
                        let reason = payload.get(2..).unwrap_or_default();
                        Frame::Close(code, String::from_utf8_lossy(reason).into_owned())
                    }
                    control => Frame::Control(control, payload),
                };
            }
            if !self.more().await {
                return Frame::End;
            }
        }
    }

    fn whole_frame(&self) -> Option<(u8, usize, usize)> {
        let (first, second) = (*self.buffer.first()?, *self.buffer.get(1)?);
        let (at, length) = match second & 0x7f {
            126 => (4, u16::from_be_bytes(*self.buffer.get(2..)?.first_chunk()?).into()),
            127 => (10, u64::from_be_bytes(*self.buffer.get(2..)?.first_chunk()?)),
            short => (2, u64::from(short)),
        };
        let end = at + usize::try_from(length).ok()?;
        (self.buffer.len() >= end).then_some((first & 0xf, at, end))
    }

    /// The next text; anything else is passed over, and the end is the empty text.
    pub async fn next_text(&mut self) -> String {
        loop {
            match self.next().await {
                Frame::Text(text) => return text,
                Frame::Control(..) => {}
                Frame::Close(..) | Frame::End => return String::new(),
            }
        }
    }

    /// How the connection ends: what comes before is passed over.
    pub async fn end(&mut self) -> Frame {
        loop {
            match self.next().await {
                Frame::Text(_) | Frame::Control(..) => {}
                end => return end,
            }
        }
    }

    /// Whether `echo` still works.
    pub async fn is_well(&mut self) -> bool {
        if self.emit("echo", "\"are you there?\"").await.is_err() {
            return false;
        }
        loop {
            match self.next_text().await.as_str() {
                r#"["echo","are you there?"]"# => return true,
                "" => return false,
                _ => {}
            }
        }
    }
}
