//! `Message`: what the decoder returns.

use super::FrameError;
use super::close::{self, CloseFrame};
use super::header::Opcode;
use super::utf8::NOT_UTF8;

/// A whole message or control frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Message<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
    Ping(&'a [u8]),
    Pong(&'a [u8]),
    Close(Option<CloseFrame<'a>>),
}

impl<'a> Message<'a> {
    /// A whole frame as a message. Fails for a text that is not UTF-8 and a close frame that is
    /// malformed.
    #[inline]
    pub(super) fn of(opcode: Opcode, payload: &'a [u8]) -> Result<Self, FrameError> {
        Ok(match opcode {
            Opcode::Text => Message::Text(std::str::from_utf8(payload).map_err(|_| NOT_UTF8)?),
            Opcode::Binary | Opcode::Continuation => Message::Binary(payload),
            Opcode::Ping => Message::Ping(payload),
            Opcode::Pong => Message::Pong(payload),
            Opcode::Close => Message::Close(close::parse(payload)?),
        })
    }
}
