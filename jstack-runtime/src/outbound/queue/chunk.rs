//! A frame that goes to many queues, and the pieces that a queue consists of.

use std::borrow::Cow;
use std::cell::OnceCell;

use bytes::Bytes;

use crate::outbound::buffers;

/// One frame that is pushed to many queues.
pub(crate) struct Frame<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
    /// A copy with a reference count, made for the first queue that shares it.
    shared: OnceCell<Bytes>,
}

impl<'a> Frame<'a> {
    pub(crate) fn new(bytes: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { bytes: bytes.into(), shared: OnceCell::new() }
    }

    pub(super) fn shared(&self) -> Bytes {
        self.shared.get_or_init(|| Bytes::copy_from_slice(&self.bytes)).clone()
    }
}

/// A piece of a queue.
pub(crate) enum Chunk {
    /// Small frames, one behind the other.
    Gathered(Vec<u8>),
    /// One large frame.
    Shared(Bytes),
}

impl Chunk {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Gathered(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    /// Returns the buffer to the thread's spares. The piece must be written.
    pub(in crate::outbound) fn recycle(self) {
        if let Self::Gathered(buffer) = self {
            buffers::give(buffer);
        }
    }
}
