//! What is done to a handler's future: a panic is caught, and time is limited.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

/// Why a handler did not come to an end of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// It panicked. The panic hook has told the log.
    Panicked,
    /// It took too long and was dropped.
    TimedOut,
}

/// Runs a future to its end, unless it panics.
pub(crate) async fn caught<F: Future>(future: F) -> Result<F::Output, Cut> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        // What a panic may have left half done belongs to this one connection or request, which
        // ends with it.
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(_) => Poll::Ready(Err(Cut::Panicked)),
        }
    })
    .await
}

/// Runs a future to its end, unless it panics or takes longer than `limit`. Nothing is paid for
/// the limit by a handler that never waits.
pub(super) async fn limited<F: Future>(future: F, limit: Duration) -> Result<F::Output, Cut> {
    let mut future = pin!(caught(future));
    let mut sleep: Option<Pin<Box<tokio::time::Sleep>>> = None;
    poll_fn(|cx| {
        if let Poll::Ready(done) = future.as_mut().poll(cx) {
            return Poll::Ready(done);
        }
        let sleep = sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        sleep.as_mut().poll(cx).map(|()| Err(Cut::TimedOut))
    })
    .await
}
