//! A connection, as seen by the tasks that write its queue.

use super::Outbound;

/// A connection with a queue. Another task runs its reading side.
pub(crate) trait Writable: Send + Sync + 'static {
    fn out(&self) -> &Outbound;

    /// Ends the connection because its queue can no longer be written.
    ///
    /// This must reach the reading task: nothing else would end a connection that is only written
    /// to.
    fn cut_off(&self, failure: WriteFailure);
}

/// Why a queue can no longer be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WriteFailure {
    /// The stream failed.
    Lost,
    /// The other side took nothing for `write_timeout`.
    TimedOut,
}
