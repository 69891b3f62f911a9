//! What a publisher says of a frame, and what it learns.

/// What may wait for one reader.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueLimits {
    pub(crate) bytes: usize,
    pub(crate) frames: usize,
}

/// Gives the close frame for a reader that has not kept up.
pub(crate) type Closing = fn() -> &'static [u8];

/// What became of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// The queue had nothing to write and now has: the flusher must hear of it.
    Dirty,
    /// It waits with others.
    Queued,
    /// The reader has not kept up. The queue was cut down to a close frame.
    Overflow,
    /// The socket failed, which the connection does not know yet.
    Failed,
    /// The socket takes no bytes, and the frame or older ones like it were given up.
    Shed(u64),
    /// Nothing goes out any more.
    Closed,
}

/// What may happen to a frame while the socket takes no bytes.
pub(crate) enum Sheddable<'a> {
    /// It is dropped.
    Volatile,
    /// It replaces the frame with the same key.
    Latest(&'a dyn Fn() -> Box<[u8]>),
}
