//! RFC 6455 (and RFC 7692) without a socket: bytes in, messages out, and frames to send.
//!
//! Nothing here waits, writes or knows a connection. `transport/` passes what it reads to the
//! [`Decoder`], and sends the frames of [`write_header`], [`control`] and [`close`]. [`handshake`] checks
//! the request for an upgrade.

mod assembly;
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
mod message;
#[cfg(test)]
mod tests;
mod utf8;

pub(crate) use decoder::{Decoder, DecoderConfig};
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
pub(crate) use message::Message;
