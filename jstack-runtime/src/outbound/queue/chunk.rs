//! A frame on its way to many queues, and the pieces of a queue.

use std::borrow::Cow;
use std::cell::OnceCell;

use bytes::Bytes;

use crate::outbound::buffers;

/// One frame on its way to many queues.
pub(crate) struct Frame<'a> {
    pub(super) bytes: Cow<'a, [u8]>,
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
    Gathered(Vec<u8>),
    Shared(Bytes),
}

impl Chunk {
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Gathered(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    /// Gives its buffer back, once it is written.
    pub(in crate::outbound) fn recycle(self) {
        if let Self::Gathered(buffer) = self {
            buffers::give(buffer);
        }
    }
}
