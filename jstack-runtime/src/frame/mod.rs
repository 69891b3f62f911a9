//! RFC 6455 (and RFC 7692) without a socket: bytes in, messages out, and frames to send.
//!
//! Nothing here waits, writes or knows of a connection. `ws/` feeds the [`Decoder`] with what it
//! read and sends what [`write_header`], [`control`] and [`close`] made; [`handshake`] judges the
//! request that wants to become a WebSocket.

mod close;
mod decoder;
#[cfg(feature = "deflate")]
pub(crate) mod deflate;
mod encode;
mod extensions;
pub(crate) mod handshake;
mod header;
mod mask;
#[cfg(test)]
mod tests;
mod utf8;

pub(crate) use decoder::{Decoder, DecoderConfig, Message};
pub(crate) use encode::{ControlFrame, HEADROOM, close, control, write_header};
#[cfg(feature = "deflate")]
pub(crate) use extensions::fits;
pub(crate) use header::Opcode;
#[cfg(feature = "fuzzing")]
pub(crate) use mask::unmask;

use std::fmt;

/// Why a connection must end: what its close frame says.
///
/// The decoder that returned it has lost its place in the stream and must not be used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameError {
    /// 1002 (broken framing), 1007 (not the promised data), 1008 (too many fragments) or
    /// 1009 (too long).
    pub(crate) code: u16,
    /// A sentence of at most 123 bytes.
    pub(crate) reason: &'static str,
}

impl FrameError {
    const fn protocol(reason: &'static str) -> Self {
        Self { code: 1002, reason }
    }

    const fn data(reason: &'static str) -> Self {
        Self { code: 1007, reason }
    }

    const fn too_long() -> Self {
        Self { code: 1009, reason: "message is longer than this server accepts" }
    }

    const fn too_many_fragments() -> Self {
        Self { code: 1008, reason: "message is split into more fragments than this server accepts" }
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.reason, self.code)
    }
}

impl std::error::Error for FrameError {}
