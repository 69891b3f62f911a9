//! One WebSocket, seen from the client: frames in and out, masked.
//!
//! Nothing here has a clock. Everything that is under way is in the `Wire`, so that its future may be
//! dropped at any time.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use crate::frame::{self, Decoder, DecoderConfig, Message, Opcode};
use crate::platform;

/// How much is read at once.
const READ: usize = 16 * 1024;
/// The longest message that a server may send.
const LONGEST: usize = 64 * 1024 * 1024;

/// What came.
#[derive(Debug)]
pub(super) enum Received {
    Text(String),
    /// A sign of life, which is answered already where it needs to be.
    Sign,
    /// The server closed, or what it sent cannot be read.
    Close {
        code: u16,
        reason: String,
    },
    /// The stream has ended.
    Lost,
}

pub(super) struct Wire {
    io: TokioIo<Upgraded>,
    decoder: Decoder,
    config: DecoderConfig,
    /// Read and not yet looked at: `input[at..]`.
    input: Vec<u8>,
    at: usize,
    /// To be written: `out[written..]`.
    out: Vec<u8>,
    written: usize,
}

impl Wire {
    pub(super) fn new(io: Upgraded) -> Self {
        Self {
            io: TokioIo::new(io),
            decoder: Decoder::of_server(),
            config: DecoderConfig { max_message: LONGEST, max_fragments: u32::MAX },
            input: Vec::new(),
            at: 0,
            out: Vec::new(),
            written: 0,
        }
    }

    /// Bytes that wait to be written.
    pub(super) fn waiting(&self) -> usize {
        self.out.len() - self.written
    }

    pub(super) fn push_text(&mut self, text: &str) {
        self.push(Opcode::Text, text.as_bytes());
    }

    pub(super) fn push_close(&mut self, code: u16, reason: &str) {
        let frame = frame::close(code, reason);
        self.push(Opcode::Close, &frame[2..]);
    }

    fn push(&mut self, opcode: Opcode, payload: &[u8]) {
        // A fresh key for each frame, that nobody can foresee: RFC 6455, 10.3.
        let [a, b, c, d, ..] = platform::random().to_le_bytes();
        frame::write_masked(&mut self.out, opcode, payload, [a, b, c, d]);
    }

    /// Writes what waits, and returns the next thing that comes.
    ///
    /// Cancel safe.
    pub(super) async fn next(&mut self) -> Received {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Writes what waits to its end. Cancel safe.
    pub(super) async fn flush(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_flush(cx)).await
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.out.len() {
            match Pin::new(&mut self.io).poll_write(cx, &self.out[self.written..]) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(written)) => self.written += written,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        self.out.clear();
        self.written = 0;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Received> {
        loop {
            if let Poll::Ready(Err(_)) = self.poll_flush(cx) {
                return Poll::Ready(Received::Lost);
            }
            if let Some(received) = self.decoded() {
                // An answer to a ping goes out with the next call.
                return Poll::Ready(received);
            }
            self.input.resize(READ, 0);
            let mut read = ReadBuf::new(&mut self.input);
            let polled = Pin::new(&mut self.io).poll_read(cx, &mut read);
            let length = read.filled().len();
            self.input.truncate(length);
            self.at = 0;
            match polled {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Ok(())) if length > 0 => {}
                Poll::Ready(_) => return Poll::Ready(Received::Lost),
            }
        }
    }

    /// The next message in what was read.
    fn decoded(&mut self) -> Option<Received> {
        if self.at < self.input.len() {
            let step = match self.decoder.decode(&mut self.input[self.at..], &self.config) {
                Ok(step) => step,
                Err(error) => {
                    let (code, reason) = (error.code, error.reason);
                    self.push_close(code, reason);
                    return Some(Received::Close { code: 1006, reason: reason.to_owned() });
                }
            };
            self.at += step.consumed;
            let received = match step.message? {
                Message::Text(text) => Received::Text(text.to_owned()),
                // No frame of the protocol is binary: it is reported as one that cannot be read.
                Message::Binary(_) => Received::Text(String::new()),
                Message::Pong(_) => Received::Sign,
                Message::Ping(payload) => {
                    let payload = payload.to_vec();
                    self.push(Opcode::Pong, &payload);
                    Received::Sign
                }
                Message::Close(said) => {
                    let (code, reason) = said.map_or((1005, ""), |said| (said.code, said.reason));
                    let reason = reason.to_owned();
                    self.push_close(code, "");
                    Received::Close { code, reason }
                }
            };
            return Some(received);
        }
        None
    }
}
