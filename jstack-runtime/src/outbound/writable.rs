//! A connection as those see it who write its queue.

use super::Outbound;

/// A connection with a queue, whose reading side another task runs.
pub(crate) trait Writable: Send + Sync + 'static {
    fn out(&self) -> &Outbound;

    /// Ends the connection because its queue can no longer be written. The reading task must
    /// learn of it: nothing else would end a connection that is only written to.
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
