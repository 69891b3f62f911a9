//! What waits to be published, and what becomes of it.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::load::{Load, Parcel, Size};
use super::numbers::Counters;
use super::route::Route;
use super::{envelope, names};
use crate::broker::{Message, Publish};
use crate::error::{Error, Result};
use crate::target::{Published, Told};

/// Bytes that may wait for one server; more are refused.
const MOST_BYTES: usize = 64 * 1024 * 1024;
/// How long a server that does not take what is its own is left alone, unless the route changes.
const PAUSE: Duration = Duration::from_millis(100);

/// Messages that wait for their connection, in their order.
#[derive(Debug)]
pub(super) struct Outbox {
    pub(super) inner: Mutex<Inner>,
    deadline: Duration,
    /// What the channels of our own signs of life start with.
    probes_on: String,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) route: Route,
    /// By shard.
    pub(super) queues: Vec<Queue>,
    counters: Counters,
}

/// What waits for one server.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) waiting: Load,
    /// Something waits.
    pub(super) filled: Arc<Notify>,
    /// Nothing is sent until then.
    pub(super) paused: Option<Instant>,
    /// Nothing is sent until so many loads of these shards have come to an end: they may hold
    /// earlier messages of channels that are here now.
    pub(super) after: Vec<(usize, u64)>,
    /// Loads that were taken, and those of them that have come to an end.
    pub(super) launched: u64,
    landed: u64,
    /// A connection is wanted, until another server carries all of the shard.
    pub(super) wanted: bool,
    connected: bool,
    /// The channel of our own signs of life.
    pub(super) probe: String,
    /// Why nothing is taken just now.
    pub(super) down: Option<String>,
    /// Why the connection is not up just now, taken or not.
    pub(super) trouble: Option<String>,
}

impl Queue {
    #[cfg(feature = "redis-cluster")]
    pub(super) fn is_flying(&self) -> bool {
        self.launched > self.landed
    }

    fn due(&self) -> Option<Instant> {
        self.waiting.expires().into_iter().chain(self.paused).min()
    }
}

/// What may be sent.
#[derive(Debug)]
pub(super) enum Take {
    Load(Load),
    /// Something waits that may not be sent yet; look again then, if nobody tells before.
    Held(Instant),
    Nothing,
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
    pub(super) fn new(route: Route, deadline: Duration, probes_on: String) -> Arc<Self> {
        let first = Queue {
            probe: probes_on.clone(),
            trouble: Some("not connected yet".to_owned()),
            ..Queue::default()
        };
        let inner = Inner { route, queues: vec![first], counters: Counters::default() };
        Arc::new(Self { inner: Mutex::new(inner), deadline, probes_on })
    }

    /// Takes messages; those of one channel stay in order.
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
        let (mut done, mut others) = (Some(done), Vec::new());
        let filled = {
            let mut filled: Option<Arc<Notify>> = None;
            let mut inner = self.inner.lock();
            let inner = &mut *inner;
            inner.check(scratch, sizes)?;
            let mut rest = &mut **scratch;
            for (n, size) in sizes.iter().enumerate() {
                let (channel, after) = rest.split_at_mut(size.channel);
                let (payload, after) = after.split_at_mut(size.payload);
                rest = after;
                let counted = inner.counters.next(channel);
                envelope::stamp(payload, counted.number, counted.is_first());
                let done = if n + 1 == sizes.len() {
                    done.take()
                } else if inner.route.is_one() {
                    None
                } else {
                    // Those of one publish may go to several servers.
                    let (done, outcome) = oneshot::channel();
                    others.push(outcome);
                    Some(done)
                };
                let Some(queue) = inner.queue_of(channel) else { continue };
                if queue.waiting.is_empty()
                    && let Some(other) = filled.replace(queue.filled.clone())
                {
                    other.notify_one();
                }
                let parcel = Parcel { size: *size, series: counted.series, done, expires };
                queue.add(channel, payload, parcel);
            }
            filled
        };
        // Who wakes up wants the lock.
        if let Some(filled) = filled {
            filled.notify_one();
        }
        if others.is_empty() {
            return Ok(Publish(Published::Told(Told { outcome, gone: shut_down })));
        }
        Ok(Publish::wait(async move {
            let mut result = finished(outcome).await;
            for other in others {
                result = result.and(finished(other).await);
            }
            result
        }))
    }

    /// Puts a message without a number in, if something can be sent at all.
    pub(super) fn probe(&self, channel: &str, payload: &[u8]) -> Option<oneshot::Receiver<Result>> {
        let (done, outcome) = oneshot::channel();
        let mut inner = self.inner.lock();
        let queue = inner.queue_of(channel.as_bytes())?;
        if queue.down.is_some() {
            return None;
        }
        let expires = Instant::now() + self.deadline;
        let size = Size { channel: channel.len(), payload: payload.len() };
        let parcel = Parcel { size, series: 0, done: Some(done), expires };
        queue.add(channel.as_bytes(), payload, parcel);
        queue.filled.notify_one();
        Some(outcome)
    }

    /// What the channels of our own signs of life start with.
    pub(super) fn probes_on(&self) -> String {
        self.probes_on.clone()
    }

    /// The channel of our own signs of life that the server of the shard carries.
    pub(super) fn probe_name(&self, shard: usize) -> String {
        let inner = self.inner.lock();
        inner.queues.get(shard).map(|queue| queue.probe.clone()).unwrap_or_default()
    }

    /// Told when something waits for the server of the shard, or may go now.
    pub(super) fn filled(&self, shard: usize) -> Arc<Notify> {
        let inner = self.inner.lock();
        inner.queues.get(shard).map(|queue| queue.filled.clone()).unwrap_or_default()
    }

    /// Everything that may go to the server of the shard now, or when to look again at what is
    /// held back; so many loads have come to an end since this was asked last. What comes next is put
    /// into `spare`.
    pub(super) fn take(&self, shard: usize, landed: u64, spare: &mut Load) -> Take {
        let mut inner = self.inner.lock();
        if landed > 0 {
            inner.land(shard, landed);
        }
        let Some(queue) = inner.queues.get_mut(shard) else { return Take::Nothing };
        if queue.paused.is_some_and(|until| until <= Instant::now()) {
            queue.paused = None;
        }
        if queue.waiting.is_empty() {
            return Take::Nothing;
        }
        if queue.paused.is_some() || !queue.after.is_empty() {
            return queue.due().map_or(Take::Nothing, Take::Held);
        }
        queue.launched += 1;
        Take::Load(std::mem::replace(&mut queue.waiting, std::mem::take(spare)))
    }

    /// So many loads for the server of the shard have come to an end, one way or another.
    pub(super) fn landed(&self, shard: usize, loads: u64) {
        self.inner.lock().land(shard, loads);
    }

    /// Puts back, before what came later, what its server says is elsewhere.
    pub(super) fn again(&self, shard: usize, load: Load) {
        if load.is_empty() {
            return;
        }
        let mut inner = self.inner.lock();
        let mut loads: Vec<(usize, Load)> = Vec::new();
        load.each(|channel, payload, parcel| {
            let to = inner.route.shard(inner.route.slot(channel));
            let at = loads.iter().position(|load| load.0 == to).unwrap_or_else(|| {
                loads.push((to, Load::default()));
                loads.len() - 1
            });
            loads[at].1.push(channel, payload, parcel);
        });
        for (to, load) in loads {
            if let Some(queue) = inner.queues.get_mut(to) {
                queue.waiting = Load::merge(load, std::mem::take(&mut queue.waiting));
                queue.wanted = true;
                if to == shard {
                    queue.paused = Some(Instant::now() + PAUSE);
                }
                queue.filled.notify_one();
            }
        }
    }

    /// When to look at what waits again, though nobody tells: it may go then, or has waited too
    /// long.
    pub(super) fn due(&self, shard: usize) -> Option<Instant> {
        self.inner.lock().queues.get(shard)?.due()
    }

    /// Fails what has waited too long for the server of the shard.
    pub(super) fn expire(&self, shard: usize, now: Instant) {
        let expired = match self.inner.lock().queues.get_mut(shard) {
            Some(queue) => {
                queue.paused = queue.paused.filter(|until| *until > now);
                queue.waiting.expired(now)
            }
            None => return,
        };
        fail(expired, "no connection within the deadline");
    }

    /// Wants a connection, to send signs of life if nothing else.
    pub(super) fn want(&self, shard: usize) {
        if let Some(queue) = self.inner.lock().queues.get_mut(shard)
            && !queue.wanted
        {
            queue.wanted = true;
            queue.filled.notify_one();
        }
    }

    pub(super) fn is_wanted(&self, shard: usize) -> bool {
        self.inner.lock().queues.get(shard).is_some_and(|queue| queue.wanted)
    }

    /// How many messages wait for the server of the shard.
    pub(super) fn waiting(&self, shard: usize) -> usize {
        self.inner.lock().queues.get(shard).map_or(0, |queue| queue.waiting.len())
    }

    /// The connection is up.
    pub(super) fn up(&self, shard: usize) {
        self.set(shard, true, None);
    }

    /// The connection is not wanted any more, so nothing can be wrong with it.
    pub(super) fn idle(&self, shard: usize) {
        self.set(shard, false, None);
    }

    fn set(&self, shard: usize, connected: bool, trouble: Option<&str>) {
        if let Some(queue) = self.inner.lock().queues.get_mut(shard) {
            queue.connected = connected;
            queue.trouble = trouble.map(str::to_owned);
            if trouble.is_none() {
                queue.down = None;
            }
        }
    }

    /// The connection was lost. What waits keeps waiting: it may be back in no time.
    pub(super) fn lost(&self, shard: usize, why: &str) {
        self.set(shard, false, Some(why));
    }

    /// Redis is away: what waits fails, and what comes fails at once until it is up again.
    pub(super) fn down(&self, shard: usize, why: &str) {
        let waiting = match self.inner.lock().queues.get_mut(shard) {
            Some(queue) => {
                queue.down = Some(why.to_owned());
                queue.trouble = Some(why.to_owned());
                queue.connected = false;
                std::mem::take(&mut queue.waiting)
            }
            None => return,
        };
        fail(waiting.into_parcels(), why);
    }

    /// Whether nothing can be sent to the server of the shard just now.
    pub(super) fn is_away(&self, shard: usize) -> bool {
        self.inner.lock().queues.get(shard).is_none_or(|queue| !queue.connected)
    }

    /// What is wrong with any connection.
    pub(super) fn trouble(&self) -> Option<String> {
        self.inner.lock().queues.iter().find_map(|queue| queue.trouble.clone())
    }
}

impl Inner {
    fn queue_of(&mut self, channel: &[u8]) -> Option<&mut Queue> {
        let shard = self.route.shard(self.route.slot(channel));
        self.queues.get_mut(shard)
    }

    fn land(&mut self, shard: usize, loads: u64) {
        let Some(queue) = self.queues.get_mut(shard) else { return };
        queue.landed += loads;
        let landed = queue.landed;
        for queue in &mut self.queues {
            if queue.after.iter().any(|after| after.0 == shard && after.1 <= landed) {
                queue.after.retain(|after| after.0 != shard || after.1 > landed);
                queue.filled.notify_one();
            }
        }
    }

    /// Fails if one of the messages cannot be taken.
    fn check(&mut self, bytes: &[u8], sizes: &[Size]) -> Result {
        let mut at = 0;
        for size in sizes {
            let channel = bytes.get(at..at + size.channel).unwrap_or_default();
            at += size.channel + size.payload;
            let Some(queue) = self.queue_of(channel) else { continue };
            if let Some(why) = &queue.down {
                return Err(refused(why));
            }
            if queue.waiting.bytes() > MOST_BYTES {
                return Err(refused("too many messages wait for it"));
            }
        }
        Ok(())
    }
}

impl Queue {
    fn add(&mut self, channel: &[u8], payload: &[u8], parcel: Parcel) {
        self.waiting.push(channel, payload, parcel);
        self.wanted = true;
    }
}

async fn finished(outcome: oneshot::Receiver<Result>) -> Result {
    outcome.await.unwrap_or_else(|_| Err(shut_down()))
}

fn shut_down() -> Error {
    refused("the broker was shut down")
}

/// Tells who waits for them that they were not published, or not surely.
pub(super) fn fail(parcels: Vec<Parcel>, why: &str) {
    for done in parcels.into_iter().filter_map(|parcel| parcel.done) {
        let _ = done.send(Err(refused(why)));
    }
}
