//! What fuzz targets and benchmarks reach of the inside. Not part of the API: it may change with
//! any release.

use crate::frame;

/// Decodes bytes as they come from Redis; hands over the JSON text that clients would get.
#[cfg(feature = "redis")]
pub fn envelope(bytes: &[u8]) -> Option<&[u8]> {
    crate::broker::redis::envelope::decode(bytes).ok().map(|envelope| envelope.json)
}
pub use crate::http::superjson::superjson;

/// One connection's decoder and its limits.
#[derive(Debug)]
pub struct FrameStream {
    decoder: frame::Decoder,
    limits: frame::DecoderConfig,
}

/// A message as the connection sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameMessage<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
    /// A ping's payload.
    Ping(&'a [u8]),
    /// A pong's payload.
    Pong(&'a [u8]),
    /// Code and reason of a close frame, if it has them.
    Close(Option<(u16, &'a str)>),
}

impl FrameStream {
    /// A stream at its start.
    pub fn new(max_message: usize, max_fragments: u32, deflate: bool) -> Self {
        Self {
            decoder: frame::Decoder::new(deflate),
            limits: frame::DecoderConfig { max_message, max_fragments },
        }
    }

    /// Feeds bytes as they came from the network and hands over each message in them.
    ///
    /// Fails with the close code the connection would end with; it must not be fed again then, nor
    /// after a close frame.
    pub fn feed(
        &mut self,
        mut input: &mut [u8],
        mut on_message: impl FnMut(FrameMessage<'_>),
    ) -> Result<(), u16> {
        loop {
            let step = self.decoder.decode(input, &self.limits).map_err(|error| error.code)?;
            let consumed = step.consumed;
            let Some(message) = step.message else { return Ok(()) };
            let message = match message {
                frame::Message::Text(text) => FrameMessage::Text(text),
                frame::Message::Binary(bytes) => FrameMessage::Binary(bytes),
                frame::Message::Ping(bytes) => FrameMessage::Ping(bytes),
                frame::Message::Pong(bytes) => FrameMessage::Pong(bytes),
                frame::Message::Close(close) => {
                    on_message(FrameMessage::Close(close.map(|close| (close.code, close.reason))));
                    return Ok(());
                }
            };
            on_message(message);
            input = &mut input[consumed..];
        }
    }
}
