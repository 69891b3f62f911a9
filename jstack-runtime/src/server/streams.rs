//! The tasks of HTTP/2 streams, and the end of those whose answers nobody takes.
//!
//! Over HTTP/1, an answer that is not read stops the socket, which has its own timeout. Over
//! HTTP/2, the client opens a window for each stream. A window that stays closed stops nothing
//! else: hyper waits for it in the stream's task, and does not poll the answer's body again. So the
//! task has the timeout, and the body reports its progress to the task.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// The progress of an answer's body while its stream's task was polled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Step {
    /// It was not asked.
    #[default]
    None,
    /// It gave something to send: it is the client's turn.
    Gave,
    /// It had nothing to give: it is the application's turn.
    Waited,
}

thread_local! {
    static STEP: Cell<Step> = const { Cell::new(Step::None) };
}

/// An answer's body gave something to send.
pub(super) fn gave() {
    STEP.set(Step::Gave);
}

/// An answer's body has nothing to send.
pub(super) fn waited() {
    STEP.set(Step::Waited);
}

/// Runs the tasks of streams, and drops those of which the client takes nothing for `write_timeout`:
/// hyper resets the stream, and the connection goes on.
#[derive(Clone, Debug)]
pub(super) struct Streams {
    write_timeout: Duration,
}

impl Streams {
    pub(super) fn new(write_timeout: Duration) -> Self {
        Self { write_timeout }
    }
}

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        tokio::spawn(run(stream, self.write_timeout));
    }
}

async fn run(stream: impl Future<Output = ()>, write_timeout: Duration) {
    let mut stream = pin!(stream);
    let mut clock: Option<Pin<Box<Sleep>>> = None;
    let ended = poll_fn(|cx| {
        STEP.set(Step::None);
        if stream.as_mut().poll(cx).is_ready() {
            return Poll::Ready(true);
        }
        match STEP.take() {
            Step::None => {}
            Step::Waited => clock = None,
            Step::Gave => {
                let until = Instant::now() + write_timeout;
                match &mut clock {
                    Some(clock) => clock.as_mut().reset(until),
                    None => clock = Some(Box::pin(sleep_until(until))),
                }
            }
        }
        match &mut clock {
            Some(clock) => clock.as_mut().poll(cx).map(|()| false),
            None => Poll::Pending,
        }
    });
    if !ended.await {
        tracing::debug!("an answer was not taken for `write_timeout`: its stream is reset");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_millis(100);

    /// Whether a stream ends by itself whose body does this at each poll.
    async fn ends(step: impl Fn(), every: Duration, times: usize) -> bool {
        let (done, ended) = tokio::sync::oneshot::channel();
        let stream = async move {
            let mut left = times;
            step();
            let mut sleep = Box::pin(tokio::time::sleep(every));
            poll_fn(|cx| {
                while sleep.as_mut().poll(cx).is_ready() {
                    left -= 1;
                    if left == 0 {
                        return Poll::Ready(());
                    }
                    step();
                    sleep.as_mut().reset(Instant::now() + every);
                }
                Poll::Pending
            })
            .await;
            let _ = done.send(());
        };
        run(stream, TIMEOUT).await;
        ended.await.is_ok()
    }

    #[tokio::test]
    async fn an_answer_that_is_taken_slowly_ends_well_and_one_that_is_not_taken_is_dropped() {
        assert!(ends(gave, TIMEOUT / 4, 8).await);
        assert!(!ends(gave, TIMEOUT * 4, 1).await);
    }

    #[tokio::test]
    async fn an_answer_that_the_application_has_not_made_yet_may_take_its_time() {
        assert!(ends(waited, TIMEOUT * 3, 1).await);
        assert!(ends(|| {}, TIMEOUT * 3, 1).await);
    }
}
