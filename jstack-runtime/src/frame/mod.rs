//! RFC 6455 (and RFC 7692) without a socket: bytes in, messages out, and frames to send.
//!
//! Nothing here waits, writes or knows of a connection. `transport/` feeds the [`Decoder`] with what it
//! read and sends what [`write_header`], [`control`] and [`close`] made; [`handshake`] judges the
//! request that wants to become a WebSocket.

mod close;
mod decoder;
#[cfg(feature = "deflate")]
pub(crate) mod deflate;
mod encode;
mod error;
mod extensions;
pub(crate) mod handshake;
mod header;
mod lengths;
mod mask;
#[cfg(test)]
mod tests;
mod utf8;

pub(crate) use decoder::{Decoder, DecoderConfig, Message};
#[cfg(any(test, feature = "client"))]
pub(crate) use encode::write_masked;
pub(crate) use encode::{ControlFrame, HEADROOM, close, control, write_header};
pub(crate) use error::FrameError;
#[cfg(feature = "deflate")]
pub(crate) use extensions::fits;
pub(crate) use header::Opcode;
pub(crate) use lengths::{frame_length, frames_in};
#[cfg(feature = "fuzzing")]
pub(crate) use mask::unmask;
