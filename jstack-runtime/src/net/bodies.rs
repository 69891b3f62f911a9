//! The bodies that come at once on one connection of HTTP/2.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A body that is not longer than this needs no turn, in bytes.
const SHORT: u64 = 16 * 1024;
/// So many longer ones are read at a time; the others wait, unread.
const AT_ONCE: usize = 4;

/// The turns of one connection's bodies: without them, its hundred streams would take a hundred
/// times `body_bytes`, where a connection of HTTP/1 takes it once.
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

    /// Waits for a turn, which ends when what this returns is dropped.
    pub(crate) async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        self.0.clone().acquire_owned().await.ok()
    }
}
