//! What waits to be published, and what becomes of it.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::numbers::Counters;
use super::{envelope, names};
use crate::broker::{Message, Publish};
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
    waiting: Load,
    counters: Counters,
    /// Why nothing is taken just now.
    down: Option<String>,
    /// Why the connection is not up just now, taken or not.
    trouble: Option<String>,
}

/// Messages that go out together.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// Channel and payload of each, one after the other.
    bytes: Vec<u8>,
    parcels: Vec<Parcel>,
}

/// One message on its way.
#[derive(Debug)]
pub(super) struct Parcel {
    size: Size,
    /// Told by the last message of a publish; those before it have none.
    pub(super) done: Option<oneshot::Sender<Result>>,
    pub(super) expires: Instant,
}

/// How much of the bytes is a message's channel, and how much its payload.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    channel: usize,
    payload: usize,
}

impl Load {
    pub(super) fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.parcels.len()
    }

    /// Channel and payload of each message.
    pub(super) fn messages(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = &*self.bytes;
        self.parcels.iter().map(move |parcel| {
            let (channel, after) = rest.split_at(parcel.size.channel);
            let (payload, after) = after.split_at(parcel.size.payload);
            rest = after;
            (channel, payload)
        })
    }

    pub(super) fn into_parcels(self) -> Vec<Parcel> {
        self.parcels
    }
}

thread_local! {
    /// What is being written, so that a publish allocates little.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A scratch that grew beyond this for one large message is given back to the allocator.
const KEEP: usize = 64 * 1024;

/// The error of an emit that Redis did not take.
pub(super) fn refused(why: &str) -> Error {
    metrics::counter!("jstack_broker_publish_failures_total").increment(1);
    Error::with_code(StatusCode::SERVICE_UNAVAILABLE, "broker", format!("Redis: {why}"))
}

impl Outbox {
    pub(super) fn new(deadline: Duration) -> Arc<Self> {
        let inner = Inner {
            waiting: Load::default(),
            counters: Counters::default(),
            down: None,
            trouble: Some("not connected yet".to_owned()),
        };
        Arc::new(Self { inner: Mutex::new(inner), filled: Notify::new(), deadline })
    }

    /// Takes messages; they stay together and in order.
    pub(super) fn publish(&self, messages: &[Message<'_>], prefix: &str, origin: u64) -> Publish {
        let mut scratch = SCRATCH.take();
        scratch.clear();
        let published = self.publish_by(&mut scratch, messages, prefix, origin);
        if scratch.capacity() <= KEEP {
            SCRATCH.set(scratch);
        }
        published.unwrap_or_else(|error| Publish::done(Err(error)))
    }

    fn publish_by(
        &self,
        scratch: &mut Vec<u8>,
        messages: &[Message<'_>],
        prefix: &str,
        origin: u64,
    ) -> Result<Publish> {
        let (mut one, mut many) = ([Size::default()], Vec::new());
        let sizes: &mut [Size] = match messages {
            [] => return Ok(Publish::done(Ok(()))),
            [_] => &mut one,
            _ => {
                many.resize(messages.len(), Size::default());
                &mut many
            }
        };
        for (message, size) in messages.iter().zip(&mut *sizes) {
            let start = scratch.len();
            names::write_channel_name(scratch, prefix, message.channel);
            size.channel = scratch.len() - start;
            envelope::encode(scratch, message, origin)?;
            size.payload = scratch.len() - start - size.channel;
        }
        let expires = Instant::now() + self.deadline;
        let (done, outcome) = oneshot::channel();
        let was_empty = {
            let mut inner = self.inner.lock();
            if let Some(why) = &inner.down {
                return Err(refused(why));
            }
            if inner.waiting.bytes.len() > MOST_BYTES {
                return Err(refused("too many messages wait for it"));
            }
            let was_empty = inner.waiting.is_empty();
            let mut rest = &mut **scratch;
            for size in &*sizes {
                let (channel, after) = rest.split_at_mut(size.channel);
                let (payload, after) = after.split_at_mut(size.payload);
                let (number, first) = inner.counters.next(channel);
                envelope::stamp(payload, number, first);
                inner.waiting.parcels.push(Parcel { size: *size, done: None, expires });
                rest = after;
            }
            inner.waiting.bytes.extend_from_slice(scratch);
            if let Some(last) = inner.waiting.parcels.last_mut() {
                last.done = Some(done);
            }
            was_empty
        };
        if was_empty {
            self.filled.notify_one();
        }
        Ok(Publish::wait(async move {
            outcome.await.unwrap_or_else(|_| Err(refused("the broker was shut down")))
        }))
    }

    /// Puts a message without a number in, if something can be sent at all.
    pub(super) fn probe(&self, channel: &str, payload: &[u8]) -> Option<oneshot::Receiver<Result>> {
        let (done, outcome) = oneshot::channel();
        let mut inner = self.inner.lock();
        if inner.down.is_some() {
            return None;
        }
        let expires = Instant::now() + self.deadline;
        let size = Size { channel: channel.len(), payload: payload.len() };
        inner.waiting.bytes.extend_from_slice(channel.as_bytes());
        inner.waiting.bytes.extend_from_slice(payload);
        inner.waiting.parcels.push(Parcel { size, done: Some(done), expires });
        drop(inner);
        self.filled.notify_one();
        Some(outcome)
    }

    /// Everything that waits.
    pub(super) fn take(&self) -> Load {
        std::mem::take(&mut self.inner.lock().waiting)
    }

    /// When the first of what waits has waited too long.
    pub(super) fn expiry(&self) -> Option<Instant> {
        self.inner.lock().waiting.parcels.first().map(|parcel| parcel.expires)
    }

    /// Fails what has waited too long.
    pub(super) fn expire(&self, now: Instant) {
        let expired: Vec<_> = {
            let waiting = &mut self.inner.lock().waiting;
            let count = waiting.parcels.partition_point(|parcel| parcel.expires <= now);
            let expired: Vec<_> = waiting.parcels.drain(..count).collect();
            let bytes: usize =
                expired.iter().map(|parcel| parcel.size.channel + parcel.size.payload).sum();
            waiting.bytes.drain(..bytes);
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
            std::mem::take(&mut inner.waiting)
        };
        fail(waiting.parcels, why);
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
