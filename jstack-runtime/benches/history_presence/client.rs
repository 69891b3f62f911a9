//! A connection of the profile `v1`, in raw frames.

use std::io;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

pub struct Reader {
    stream: OwnedReadHalf,
    buffer: Vec<u8>,
    pub bytes: u64,
}

pub struct Writer(OwnedWriteHalf);

/// Connects, and is upgraded.
pub async fn open(port: u16, procedure: &str, rooms: &str) -> io::Result<(Reader, Writer)> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let (stream, mut write) = stream.into_split();
    let request = format!(
        "GET /api/at/{procedure}?rooms={rooms} HTTP/1.1\r\nhost: localhost\r\n\
         connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         sec-websocket-protocol: jstack.v1\r\n\r\n"
    );
    write.write_all(request.as_bytes()).await?;
    let mut reader = Reader { stream, buffer: Vec::new(), bytes: 0 };
    loop {
        if let Some(end) = reader.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&reader.buffer[..end]).into_owned();
            if !head.starts_with("HTTP/1.1 101") {
                return Err(io::Error::other(head));
            }
            reader.buffer.drain(..end + 4);
            return Ok((reader, Writer(write)));
        }
        reader.fill().await?;
    }
}

impl Reader {
    async fn fill(&mut self) -> io::Result<()> {
        let read = self.stream.read_buf(&mut self.buffer).await?;
        self.bytes += read as u64;
        if read == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    /// The next text, as JSON. Frames of the protocol are passed over: runs are shorter than the
    /// time in which a server misses an answer to its pings.
    pub async fn next(&mut self) -> io::Result<Value> {
        loop {
            if let Some((opcode, head, length)) = self.frame()
                && self.buffer.len() >= head + length
            {
                let text = &self.buffer[head..head + length];
                let value = (opcode == 1).then(|| serde_json::from_slice(text).unwrap());
                self.buffer.drain(..head + length);
                if self.buffer.is_empty() {
                    self.buffer = Vec::new();
                }
                match value {
                    Some(value) => return Ok(value),
                    None if opcode == 8 => return Err(io::ErrorKind::ConnectionReset.into()),
                    None => continue,
                }
            }
            self.fill().await?;
        }
    }

    /// The opcode, the length of the header, and that of the payload.
    fn frame(&self) -> Option<(u8, usize, usize)> {
        let (first, second) = (*self.buffer.first()?, *self.buffer.get(1)?);
        let number = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        let (head, length) = match second {
            126 => (4, number(self.buffer.get(2..4)?)),
            127 => (10, number(self.buffer.get(2..10)?)),
            length => (2, usize::from(length)),
        };
        Some((first & 0x0F, head, length))
    }
}

impl Writer {
    pub async fn send(&mut self, value: &Value) -> io::Result<()> {
        let text = value.to_string();
        let length = u16::try_from(text.len()).unwrap();
        let mut frame = vec![0x81];
        if length < 126 {
            frame.push(0x80 | length as u8);
        } else {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&length.to_be_bytes());
        }
        // A mask of zeros changes nothing.
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(text.as_bytes());
        self.0.write_all(&frame).await
    }
}
