//! The outcome of a publish: known at once, or waited for.

#[cfg(feature = "server")]
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

#[cfg(feature = "redis")]
use tokio::sync::oneshot;

use crate::error::{Error, Result};

/// The outcome of [`Broker::publish`](super::Broker::publish): known at once, or a future.
///
/// ```
/// use jstack_runtime::{Error, broker::Publish};
///
/// let taken = Publish::done(Ok(()));
/// let refused = Publish::done(Err(Error::service_unavailable("the queue is full")));
/// let waiting = Publish::wait(async { /* send it */ Ok(()) });
/// # drop((taken, refused, waiting));
/// ```
#[cfg(feature = "server")]
pub struct Publish(pub(crate) PublishOutcome);

#[cfg(feature = "server")]
impl Publish {
    /// An outcome that is known already.
    pub fn done(result: Result) -> Self {
        Self(PublishOutcome::Done(result))
    }

    /// An outcome that the future returns.
    pub fn wait(future: impl Future<Output = Result> + Send + 'static) -> Self {
        Self(PublishOutcome::Wait(Box::pin(future)))
    }
}

#[cfg(feature = "server")]
/// Waits until the broker has taken the messages, or has not.
impl Future for Publish {
    type Output = Result;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result> {
        Pin::new(&mut self.0).poll(cx)
    }
}

#[cfg(feature = "server")]
impl fmt::Debug for Publish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let done = matches!(self.0, PublishOutcome::Done(_));
        f.write_str(if done { "Publish::Done" } else { "Publish::Wait" })
    }
}

/// The outcome of a publish, which most brokers know at once.
pub(crate) enum PublishOutcome {
    /// Taken or refused.
    Done(Result),
    /// A built-in broker was asked over the network.
    #[cfg(feature = "redis")]
    Acknowledged(Acknowledged),
    /// The broker is asked over the network.
    Wait(Pin<Box<dyn Future<Output = Result> + Send>>),
}

/// The outcome from a built-in broker; a oneshot saves boxing a future.
#[cfg(feature = "redis")]
pub(crate) struct Acknowledged {
    pub(crate) outcome: oneshot::Receiver<Result>,
    /// Makes the error for a broker that ended without an answer.
    pub(crate) gone: fn() -> Error,
}

impl Future for PublishOutcome {
    type Output = Result;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result> {
        match self.get_mut() {
            Self::Done(result) => Poll::Ready(std::mem::replace(result, Ok(()))),
            #[cfg(feature = "redis")]
            Self::Acknowledged(sent) => Pin::new(&mut sent.outcome)
                .poll(cx)
                .map(|outcome| outcome.unwrap_or_else(|_| Err((sent.gone)()))),
            Self::Wait(wait) => wait.as_mut().poll(cx),
        }
    }
}

impl From<Error> for PublishOutcome {
    fn from(error: Error) -> Self {
        Self::Done(Err(error))
    }
}
