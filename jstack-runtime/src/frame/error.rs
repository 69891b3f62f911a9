//! `FrameError`: why a stream cannot be read any further.

use std::fmt;

/// The error that ends a connection, with the content of its close frame.
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
    pub(super) const fn protocol(reason: &'static str) -> Self {
        Self { code: 1002, reason }
    }

    pub(super) const fn data(reason: &'static str) -> Self {
        Self { code: 1007, reason }
    }

    pub(super) const fn too_long() -> Self {
        Self { code: 1009, reason: "message is longer than this server accepts" }
    }

    pub(super) const fn too_many_fragments() -> Self {
        Self { code: 1008, reason: "message is split into more fragments than this server accepts" }
    }
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.reason, self.code)
    }
}

impl std::error::Error for FrameError {}
