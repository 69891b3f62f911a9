//! The protocol's hard cases, each by its name, and a naive decoder to be compared with.

mod close_codes;
#[cfg(feature = "deflate")]
mod deflate;
mod encoding;
mod extensions;
mod fragments;
mod handshake;
mod headers;
mod limits;
mod property;
mod reference;
mod roles;
mod splits;
mod utf8;

use super::{Decoder, DecoderConfig, FrameError, Message};

pub(super) const TEXT: u8 = 0x81;
pub(super) const BINARY: u8 = 0x82;
pub(super) const CLOSE: u8 = 0x88;
pub(super) const PING: u8 = 0x89;
pub(super) const PONG: u8 = 0x8A;
/// The same without FIN, and what continues and ends them.
pub(super) const TEXT_BEGINS: u8 = 0x01;
pub(super) const BINARY_BEGINS: u8 = 0x02;
pub(super) const CONTINUES: u8 = 0x00;
pub(super) const ENDS: u8 = 0x80;

/// The bit beside a length that says that a key follows.
pub(super) const MASKED: u8 = 0x80;

pub(super) const NO_LIMITS: DecoderConfig =
    DecoderConfig { max_message: usize::MAX, max_fragments: u32::MAX };

/// A message that outlives the buffers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Owned {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
}

impl From<Message<'_>> for Owned {
    fn from(message: Message<'_>) -> Self {
        match message {
            Message::Text(text) => Self::Text(text.to_owned()),
            Message::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Message::Ping(bytes) => Self::Ping(bytes.to_vec()),
            Message::Pong(bytes) => Self::Pong(bytes.to_vec()),
            Message::Close(close) => {
                Self::Close(close.map(|close| (close.code, close.reason.to_owned())))
            }
        }
    }
}

pub(super) fn text(text: &str) -> Owned {
    Owned::Text(text.to_owned())
}

/// A masked frame whose length is encoded as it must be.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(first, payload.len() as u64);
    let key = [0xA5, 0x5A, 0x0F, 0x81];
    let at = bytes.len() - 4;
    bytes[at..].copy_from_slice(&key);
    bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    bytes
}

/// A header with an empty key, and whatever length.
pub(super) fn header(first: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![first];
    if length < 126 {
        bytes.push(MASKED + u8::try_from(length).unwrap());
    } else if let Ok(length) = u16::try_from(length) {
        bytes.push(MASKED + 126);
        bytes.extend(length.to_be_bytes());
    } else {
        bytes.push(MASKED + 127);
        bytes.extend(length.to_be_bytes());
    }
    bytes.extend([0; 4]);
    bytes
}

/// Everything a decoder says about a stream, up to its first error or close frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IntoOutcome {
    pub(super) messages: Vec<Owned>,
    pub(super) error: Option<u16>,
}

/// Feeds the pieces as a connection would.
pub(super) fn feed<'a>(
    decoder: &mut Decoder,
    limits: &DecoderConfig,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> IntoOutcome {
    let mut messages = Vec::new();
    for piece in pieces {
        let mut piece = piece.to_vec();
        let mut rest = &mut piece[..];
        loop {
            let length = rest.len();
            let step = match decoder.decode(rest, limits) {
                Ok(step) => step,
                Err(FrameError { code, reason }) => {
                    assert!(reason.len() <= 123, "{reason} does not fit a close frame");
                    return IntoOutcome { messages, error: Some(code) };
                }
            };
            let consumed = step.consumed;
            let Some(message) = step.message else {
                assert_eq!(consumed, length, "bytes were left without a message");
                break;
            };
            messages.push(message.into());
            if matches!(messages.last(), Some(Owned::Close(_))) {
                return IntoOutcome { messages, error: None };
            }
            rest = &mut rest[consumed..];
        }
    }
    IntoOutcome { messages, error: None }
}

/// The outcome of a stream that arrives at once, after checking that it is the same when every
/// byte arrives alone.
pub(super) fn outcome_with(limits: &DecoderConfig, stream: &[u8]) -> IntoOutcome {
    let whole = feed(&mut Decoder::new(false), limits, [stream]);
    let bytes = feed(&mut Decoder::new(false), limits, stream.chunks(1));
    assert_eq!(whole, bytes, "the stream means something else byte by byte");
    whole
}

pub(super) fn outcome(stream: &[u8]) -> IntoOutcome {
    outcome_with(&DecoderConfig::default(), stream)
}

#[track_caller]
pub(super) fn assert_fails(stream: &[u8], code: u16) {
    assert_eq!(outcome(stream), IntoOutcome { messages: Vec::new(), error: Some(code) });
}

#[track_caller]
pub(super) fn assert_messages(stream: &[u8], messages: &[Owned]) {
    assert_eq!(outcome(stream), IntoOutcome { messages: messages.to_vec(), error: None });
}

#[test]
fn an_idle_decoder_is_a_few_words() {
    assert!(size_of::<Decoder>() <= 32, "{}", size_of::<Decoder>());
}
