//! Guards around a handler's future: a panic is caught, and its time is limited.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::platform::{Sleep, sleep, unconstrained};

/// Why a handler was ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aborted {
    /// It panicked. The panic hook has logged it.
    Panicked,
    /// It took too long and was dropped.
    TimedOut,
}

/// Polls a future; a panic ends it.
///
/// State that the panic left half done belongs to one connection or request, which ends with it.
fn poll_caught<F: Future + ?Sized>(
    future: Pin<&mut F>,
    cx: &mut Context<'_>,
) -> Poll<Result<F::Output, Aborted>> {
    match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(_) => Poll::Ready(Err(Aborted::Panicked)),
    }
}

/// Runs a future to its end, unless it panics.
pub(crate) async fn caught<F: Future>(future: F) -> Result<F::Output, Aborted> {
    let mut future = pin!(future);
    poll_fn(|cx| poll_caught(future.as_mut(), cx)).await
}

/// Runs a future to its end, unless it panics or takes longer than `limit`. A handler that never waits
/// does not pay for the limit.
///
/// The future is pinned where it was made: moving it costs more than a short handler does. rebuild:
/// its type is erased, so that this is compiled once for all handlers.
pub(crate) fn limited<T>(
    mut future: Pin<&mut (dyn Future<Output = T> + Send)>,
    limit: Duration,
) -> impl Future<Output = Result<T, Aborted>> {
    let mut timer: Option<Pin<Box<Sleep>>> = None;
    poll_fn(move |cx| {
        if let Poll::Ready(done) = poll_caught(future.as_mut(), cx) {
            return Poll::Ready(done);
        }
        let timer = timer.get_or_insert_with(|| Box::pin(sleep(limit)));
        // A future that has used up the task's budget must not prevent the read of the clock.
        let timer = pin!(unconstrained(timer.as_mut()));
        timer.poll(cx).map(|()| Err(Aborted::TimedOut))
    })
}
