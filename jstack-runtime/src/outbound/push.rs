//! The parameters and the result of a push.

/// How much may wait for one client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueLimits {
    pub(crate) bytes: usize,
    pub(crate) frames: usize,
}

/// Returns the last frames for a client that reads too slowly.
pub(crate) type Closing = fn() -> &'static [u8];

/// The result of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// No flush was scheduled: the caller must pass the connection to the flusher.
    Dirty,
    /// A flush is scheduled, or there is no transport yet.
    Queued,
    /// The client reads too slowly. The queue was cut down to the last frames.
    Overflow,
    /// The socket failed. The caller must notify the connection.
    Failed,
    /// The socket is blocked, and this number of frames was dropped: this one, or older ones.
    Shed(u64),
    /// The last frame is in the queue already, or the connection is gone.
    Closed,
}

/// What happens to a frame while the socket is blocked.
pub(crate) enum Sheddable<'a> {
    /// It is dropped.
    Volatile,
    /// It replaces the frame with the same key.
    Latest(&'a dyn Fn() -> Box<[u8]>),
}
