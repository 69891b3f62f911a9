//! Bounds the bodies that arrive at once on one HTTP/2 connection.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A body of at most so many bytes needs no turn.
const SHORT: u64 = 16 * 1024;
/// The longer bodies that are read at a time; others wait, unread.
const AT_ONCE: usize = 4;

/// The turns of one connection's bodies. Without them, its hundred streams would take a hundred times
/// `body_bytes`; an HTTP/1 connection takes it once.
#[derive(Clone, Debug)]
pub(crate) struct BodyTurns(Arc<Semaphore>);

impl BodyTurns {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE)))
    }

    /// Whether a body of this size, if it is known, needs a turn.
    pub(crate) fn are_for(size: Option<u64>) -> bool {
        size.is_none_or(|size| size > SHORT)
    }

    /// Waits for a turn, which ends when the returned permit is dropped.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        self.0.clone().acquire_owned().await.ok()
    }
}
