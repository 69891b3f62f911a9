//! The channels that this application hears: a stream of events for each.
//!
//! ```text
//!               a sink              `subscribe,…` came
//!   (no entry) ───────▶ Asking ──────────────────────▶ Live ──┐ no sink for the linger time
//!        ▲                │ ▲                            │    ▼
//!        │  no sink left  │ │ after a wait that grows    │  (no entry)
//!        └────────────────┘ └──── the stream ended ──────┘
//! ```
//!
//! Invariants:
//!
//! - An entry has one task, which ends when the entry is gone: it holds the sender of `ended`.
//! - A sink is in `waiters` until the subscription is live, and then in `sinks`. Only live ones are
//!   told of gaps and messages.
//! - After a stream that ended, each sink is told of a gap as soon as the next one is live. What
//!   was published between is not repeated by Upstash.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::oneshot;

use super::entry::{Entry, Waiter};
use super::events::{Events, Said};
use super::inner::Inner;
use super::reports::unavailable;
use crate::broker::format::envelope::{Envelope, Malformed};
use crate::broker::format::sequence::SequenceCheck;
use crate::broker::format::{batch, names, text};
use crate::broker::{Channel, Publication, Sink, Subscribe};
use crate::error::Result;
use crate::observe;
use crate::platform;

/// How long a channel is heard after its last sink left: a page that reloads costs nothing.
const LINGER: Duration = Duration::from_secs(2);
/// Waits between attempts double from the first to the second.
const WAITS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));
/// Why a payload of bytes cannot be read.
const BYTES: &str = "a server publishes bytes, which the REST API cannot carry: set \
                     JSTACK_BROKER=upstash for it as well";

pub(super) fn subscribe(
    inner: &Arc<Inner>,
    channel: Channel<'_>,
    sink: Arc<dyn Sink>,
) -> Subscribe {
    let name = names::channel_name(&inner.prefix, channel);
    let mut channels = inner.channels.lock();
    let entry = channels.entry(name.clone()).or_insert_with(|| {
        let (end, ended) = oneshot::channel();
        platform::spawn(follow(inner.clone(), name, ended));
        Entry::new(channel, end)
    });
    entry.changes += 1;
    if entry.is_live {
        entry.sinks.push(sink);
        return Box::pin(std::future::ready(Ok(())));
    }
    let (done, outcome) = oneshot::channel();
    entry.waiters.push(Waiter { sink, done });
    Box::pin(async move { outcome.await.unwrap_or_else(|_| Err(unavailable("it was left"))) })
}

pub(super) fn unsubscribe(inner: &Arc<Inner>, channel: Channel<'_>, sink: &dyn Sink) {
    let name = names::channel_name(&inner.prefix, channel);
    let mut channels = inner.channels.lock();
    let Some(entry) = channels.get_mut(&name) else { return };
    let is_it = |other: &Arc<dyn Sink>| std::ptr::addr_eq(Arc::as_ptr(other), sink);
    entry.sinks.retain(|other| !is_it(other));
    entry.waiters.retain(|waiter| !is_it(&waiter.sink));
    entry.changes += 1;
    let changes = entry.changes;
    if !entry.is_unused() {
        return;
    }
    let inner = inner.clone();
    platform::spawn(async move {
        platform::sleep(LINGER).await;
        let mut channels = inner.channels.lock();
        if channels.get(&name).is_some_and(|entry| entry.is_unused() && entry.changes == changes) {
            channels.remove(&name);
        }
    });
}

/// Follows a channel until its entry is gone.
async fn follow(inner: Arc<Inner>, name: String, ended: oneshot::Receiver<()>) {
    let following = Box::pin(async {
        let mut failures = 0;
        loop {
            let why = match listen(&inner, &name, &mut failures).await {
                Ok(never) => match never {},
                Err(why) => why,
            };
            inner.listening.failed(&why);
            if !lost(&inner, &name, &why) {
                return;
            }
            platform::sleep(wait(failures)).await;
            failures += 1;
        }
    });
    match select(following, ended).await {
        Either::Left(_) | Either::Right(_) => {}
    }
}

/// The wait after so many failures: between half of it and all of it, so that many objects and
/// channels do not come at once.
fn wait(failures: u32) -> Duration {
    let whole = WAITS.0.saturating_mul(1 << failures.min(10)).min(WAITS.1);
    let part = u32::try_from(512 + platform::random() % 512).unwrap_or(512);
    whole * part / 1024
}

/// Listens until the stream ends, and returns why.
async fn listen(
    inner: &Arc<Inner>,
    name: &str,
    failures: &mut u32,
) -> Result<std::convert::Infallible, String> {
    let mut stream = inner.api.subscribe(name).await?;
    let mut events = Events::default();
    let mut is_live = false;
    loop {
        let piece = if is_live {
            stream.piece().await?
        } else {
            let confirmed = platform::timeout(inner.api.deadline, stream.piece()).await;
            confirmed.map_err(|_| "it did not confirm a subscription in time")??
        };
        events.push(&piece.ok_or("it ended the stream")?)?;
        while let Some(event) = events.next() {
            match Said::of(&event, name) {
                Said::Subscribed => {
                    (is_live, *failures) = (true, 0);
                    begin(inner, name);
                }
                Said::Message(payload) => deliver(inner, name, payload),
                // The name was read as another one: nothing would ever be heard.
                Said::Other if !is_live => {
                    return Err("it confirmed something else than the subscription".to_owned());
                }
                Said::Other => {}
            }
        }
    }
}

/// The subscription is live.
fn begin(inner: &Inner, name: &str) {
    inner.listening.works();
    let mut channels = inner.channels.lock();
    let Some(entry) = channels.get_mut(name) else { return };
    entry.is_live = true;
    let told = if std::mem::take(&mut entry.missed) { entry.begin_gap() } else { Vec::new() };
    for Waiter { sink, done } in entry.waiters.drain(..) {
        // Unless nobody waits for it any more.
        if done.send(Ok(())).is_ok() {
            entry.sinks.push(sink);
        }
    }
    let channel = entry.channel.clone();
    drop(channels);
    channel.report_gap(&told, None);
}

/// The stream ended, or did not begin; `false` if nobody wants another one.
fn lost(inner: &Inner, name: &str, why: &str) -> bool {
    let mut channels = inner.channels.lock();
    let Some(entry) = channels.get_mut(name) else { return false };
    entry.missed |= std::mem::take(&mut entry.is_live);
    for Waiter { done, .. } in entry.waiters.drain(..) {
        let _ = done.send(Err(unavailable(why)));
    }
    if entry.is_unused() {
        channels.remove(name);
        return false;
    }
    true
}

/// Delivers what is in a payload, in its order.
fn deliver(inner: &Inner, name: &str, payload: &str) {
    let bytes = text::read(payload.as_bytes());
    let messages =
        match bytes.as_ref().map_err(|error| *error).and_then(|bytes| batch::decode(bytes)) {
            Ok(messages) => messages,
            Err(malformed) => return deliver_none(inner, name, payload, malformed),
        };
    let mut scratch = Vec::new();
    for message in messages {
        deliver_one(inner, name, &message, &mut scratch);
    }
}

fn deliver_one(inner: &Inner, name: &str, envelope: &Envelope<'_>, scratch: &mut Vec<u8>) {
    let mut channels = inner.channels.lock();
    let Some(entry) = channels.get_mut(name) else { return };
    let check = envelope.stamp.map_or(SequenceCheck::Next, |stamp| entry.tracker.record(stamp));
    let (channel, sinks) = (entry.channel.clone(), entry.sinks.clone());
    entry.in_gap = false;
    // A sink may come back here.
    drop(channels);
    match check {
        SequenceCheck::Next => {}
        SequenceCheck::Missing(missing) => channel.report_gap(&sinks, Some(missing)),
        SequenceCheck::Duplicate => return,
    }
    let mut message = Publication::new(channel.channel(), envelope.json, scratch);
    message.only = envelope.only;
    message.except = &envelope.except;
    message.except_rooms = &envelope.except_rooms;
    for sink in &sinks {
        sink.deliver(&message);
    }
}

/// Something was published that cannot be read.
fn deliver_none(inner: &Inner, name: &str, payload: &str, malformed: Malformed) {
    let is_bytes = payload.starts_with(['\u{1}', '\u{2}', '\u{3}']);
    let why = if is_bytes { BYTES } else { malformed.0 };
    let mut channels = inner.channels.lock();
    let Some(entry) = channels.get_mut(name) else { return };
    let (channel, told) = (entry.channel.clone(), entry.begin_gap());
    drop(channels);
    if !told.is_empty() {
        observe::warning!(channel = name, why, "dropped a malformed message from Upstash");
        channel.report_gap(&told, None);
    }
}
