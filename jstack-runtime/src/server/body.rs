//! A request's body, which must not take for ever.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

use crate::error::BoxError;

/// How fast a body must come after its first seconds, on the average, in bytes a second.
const SLOWEST: u32 = 1024;

/// A body with a clock: it must keep coming.
pub(super) struct MinRateBody {
    body: Incoming,
    grace: Duration,
    /// Runs from the first wait on: a body that is there already costs nothing.
    clock: Option<Pin<Box<Sleep>>>,
}

/// The body came too slowly.
#[derive(Debug)]
struct TooSlow;

impl fmt::Display for TooSlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it came more slowly than {SLOWEST} bytes a second")
    }
}

impl std::error::Error for TooSlow {}

impl MinRateBody {
    pub(super) fn new(body: Incoming, grace: Duration) -> Self {
        Self { body, grace, clock: None }
    }
}

impl Body for MinRateBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            if let (Some(Ok(frame)), Some(clock)) = (&frame, &mut self.clock) {
                let length = frame.data_ref().map_or(0, Bytes::remaining);
                let length = u32::try_from(length).unwrap_or(u32::MAX);
                let earned = Duration::from_secs(1) * length / SLOWEST;
                let until = clock.deadline() + earned;
                clock.as_mut().reset(until);
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let grace = self.grace;
        let clock = self
            .clock
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + grace)));
        ready!(clock.as_mut().poll(cx));
        Poll::Ready(Some(Err(TooSlow.into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
