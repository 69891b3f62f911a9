//! `Partial`: a message or control frame that has arrived in part.

use super::FrameError;
use super::header::{Header, Opcode};
use super::message::Message;
#[cfg(feature = "deflate")]
use super::utf8::NOT_UTF8;
use super::utf8::Utf8Buffer;

/// The received part of a message or frame that is not complete.
#[derive(Debug, Default)]
pub(super) struct Partial {
    pub(super) frame: Option<OpenFrame>,
    pub(super) message: Option<Assembly>,
    /// The payload of a control frame that arrived in pieces.
    pub(super) control: Vec<u8>,
}

impl Partial {
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        let body = match self.message.as_ref().map(|message| &message.body) {
            None => 0,
            Some(Body::Text(text)) => text.capacity(),
            Some(Body::Binary(bytes)) => bytes.capacity(),
            #[cfg(feature = "deflate")]
            Some(Body::Compressed { bytes, .. }) => bytes.capacity(),
        };
        size_of::<Self>() + self.control.capacity() + body
    }

    /// Nothing is under way: what is left has been delivered.
    pub(super) fn is_spent(&self) -> bool {
        self.frame.is_none() && self.message.as_ref().is_none_or(|message| message.delivered)
    }

    pub(super) fn assembled(&self) -> Option<Message<'_>> {
        match &self.message.as_ref()?.body {
            Body::Text(text) => Some(Message::Text(text.as_str())),
            Body::Binary(bytes) => Some(Message::Binary(bytes)),
            #[cfg(feature = "deflate")]
            Body::Compressed { .. } => None,
        }
    }
}

#[derive(Debug)]
pub(super) struct OpenFrame {
    pub(super) header: Header,
    pub(super) received: u64,
}

#[derive(Debug)]
pub(super) struct Assembly {
    pub(super) body: Body,
    /// The sum of the lengths that the message's frames have declared.
    pub(super) length: u64,
    pub(super) fragments: u32,
    pub(super) delivered: bool,
}

#[derive(Debug)]
pub(super) enum Body {
    Text(Utf8Buffer),
    Binary(Vec<u8>),
    #[cfg(feature = "deflate")]
    Compressed {
        text: bool,
        bytes: Vec<u8>,
    },
}

impl Body {
    fn new(header: &Header) -> Self {
        let text = header.opcode == Opcode::Text;
        #[cfg(feature = "deflate")]
        if header.compressed {
            return Self::Compressed { text, bytes: Vec::new() };
        }
        if text { Self::Text(Utf8Buffer::default()) } else { Self::Binary(Vec::new()) }
    }

    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), FrameError> {
        match self {
            Self::Text(text) => text.push(piece)?,
            Self::Binary(bytes) => bytes.extend_from_slice(piece),
            #[cfg(feature = "deflate")]
            Self::Compressed { bytes, .. } => bytes.extend_from_slice(piece),
        }
        Ok(())
    }

    /// Checks the whole body, after its last byte.
    #[cfg_attr(not(feature = "deflate"), allow(unused_variables, reason = "nothing grows here"))]
    pub(super) fn finish(&mut self, max_message: usize) -> Result<(), FrameError> {
        match self {
            Self::Text(text) => text.finish()?,
            Self::Binary(_) => {}
            #[cfg(feature = "deflate")]
            Self::Compressed { text, bytes } => {
                let inflated = super::deflate::inflate(bytes, max_message)?;
                *self = if *text {
                    Self::Text(String::from_utf8(inflated).map_err(|_| NOT_UTF8)?.into())
                } else {
                    Self::Binary(inflated)
                };
            }
        }
        Ok(())
    }
}

impl Assembly {
    pub(super) fn new(header: &Header) -> Self {
        Self { body: Body::new(header), length: 0, fragments: 0, delivered: false }
    }
}
