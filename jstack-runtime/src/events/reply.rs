//! Replies: what a handler returns to a client that asked.

/// A handler's reply as JSON; nothing for an event without a reply.
#[derive(Debug, Default)]
pub struct EncodedReply(Option<Vec<u8>>);

impl EncodedReply {
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    pub(crate) fn json(text: Vec<u8>) -> Self {
        Self(Some(text))
    }

    /// The JSON text: `null` if there is no reply.
    pub(crate) fn as_json(&self) -> &[u8] {
        self.0.as_deref().unwrap_or(b"null")
    }
}
