//! What waits to be published, and what becomes of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::envelope;
use super::numbers::Counters;
use crate::broker::Publish;
use crate::error::{Error, Result};

/// Bytes that may wait; more are refused.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Messages that wait for the connection, in their order.
#[derive(Debug)]
pub(super) struct Outbox {
    inner: Mutex<Inner>,
    /// Something waits.
    pub(super) filled: Notify,
    deadline: Duration,
}

#[derive(Debug)]
struct Inner {
    waiting: Vec<Parcel>,
    bytes: usize,
    counters: Counters,
    /// Why nothing is taken just now.
    down: Option<String>,
    /// Why the connection is not up just now, taken or not.
    trouble: Option<String>,
}

/// One message on its way.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) channel: String,
    pub(super) payload: Vec<u8>,
    /// Told by the last message of a publish; those before it have none.
    pub(super) done: Option<oneshot::Sender<Result>>,
    pub(super) expires: Instant,
}

/// The error of an emit that Redis did not take.
pub(super) fn refused(why: &str) -> Error {
    metrics::counter!("jstack_broker_publish_failures_total").increment(1);
    Error::with_code(StatusCode::SERVICE_UNAVAILABLE, "broker", format!("Redis: {why}"))
}

impl Outbox {
    pub(super) fn new(deadline: Duration) -> Arc<Self> {
        let inner = Inner {
            waiting: Vec::new(),
            bytes: 0,
            counters: Counters::default(),
            down: None,
            trouble: Some("not connected yet".to_owned()),
        };
        Arc::new(Self { inner: Mutex::new(inner), filled: Notify::new(), deadline })
    }

    /// Takes envelopes without numbers, each for its channel; they stay together and in order.
    pub(super) fn publish(
        &self,
        messages: impl ExactSizeIterator<Item = (String, Vec<u8>)>,
    ) -> Publish {
        let mut left = messages.len();
        if left == 0 {
            return Publish::done(Ok(()));
        }
        let expires = Instant::now() + self.deadline;
        let (done, outcome) = oneshot::channel();
        let mut done = Some(done);
        let was_empty = {
            let mut inner = self.inner.lock();
            if let Some(why) = &inner.down {
                return Publish::done(Err(refused(why)));
            }
            if inner.bytes > MOST_BYTES {
                return Publish::done(Err(refused("too many messages wait for it")));
            }
            let was_empty = inner.waiting.is_empty();
            for (channel, mut payload) in messages {
                left -= 1;
                let (number, first) = inner.counters.next(&channel);
                envelope::stamp(&mut payload, number, first);
                inner.bytes += payload.len();
                let done = if left == 0 { done.take() } else { None };
                inner.waiting.push(Parcel { channel, payload, done, expires });
            }
            was_empty
        };
        if was_empty {
            self.filled.notify_one();
        }
        Publish::wait(async move {
            outcome.await.unwrap_or_else(|_| Err(refused("the broker was shut down")))
        })
    }

    /// Puts a message without a number in, if something can be sent at all.
    pub(super) fn probe(
        &self,
        channel: &str,
        payload: Vec<u8>,
    ) -> Option<oneshot::Receiver<Result>> {
        let (done, outcome) = oneshot::channel();
        let mut inner = self.inner.lock();
        if inner.down.is_some() {
            return None;
        }
        let expires = Instant::now() + self.deadline;
        let channel = channel.to_owned();
        inner.waiting.push(Parcel { channel, payload, done: Some(done), expires });
        drop(inner);
        self.filled.notify_one();
        Some(outcome)
    }

    /// Everything that waits.
    pub(super) fn take(&self) -> Vec<Parcel> {
        let mut inner = self.inner.lock();
        inner.bytes = 0;
        std::mem::take(&mut inner.waiting)
    }

    /// When the first of what waits has waited too long.
    pub(super) fn expiry(&self) -> Option<Instant> {
        self.inner.lock().waiting.first().map(|parcel| parcel.expires)
    }

    /// Fails what has waited too long.
    pub(super) fn expire(&self, now: Instant) {
        let expired: Vec<_> = {
            let mut inner = self.inner.lock();
            let count = inner.waiting.partition_point(|parcel| parcel.expires <= now);
            let expired: Vec<_> = inner.waiting.drain(..count).collect();
            inner.bytes = inner.waiting.iter().map(|parcel| parcel.payload.len()).sum();
            expired
        };
        fail(expired, "no connection within the deadline");
    }

    /// The connection is up.
    pub(super) fn up(&self) {
        let mut inner = self.inner.lock();
        inner.down = None;
        inner.trouble = None;
    }

    /// The connection was lost. What waits keeps waiting: it may be back in no time.
    pub(super) fn lost(&self, why: &str) {
        self.inner.lock().trouble = Some(why.to_owned());
    }

    /// Redis is away: what waits fails, and what comes fails at once until it is up again.
    pub(super) fn down(&self, why: &str) {
        let waiting = {
            let mut inner = self.inner.lock();
            inner.down = Some(why.to_owned());
            inner.trouble = Some(why.to_owned());
            inner.bytes = 0;
            std::mem::take(&mut inner.waiting)
        };
        fail(waiting, why);
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.inner.lock().trouble.clone()
    }
}

/// Tells who waits for them that they were not published, or not surely.
pub(super) fn fail(parcels: Vec<Parcel>, why: &str) {
    for done in parcels.into_iter().filter_map(|parcel| parcel.done) {
        let _ = done.send(Err(refused(why)));
    }
}
