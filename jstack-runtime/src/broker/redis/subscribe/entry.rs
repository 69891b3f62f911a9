//! One channel that this process listens to: who wants it, and how far its subscription is.
//!
//! ```text
//!              wanted: SUBSCRIBE sent            Redis confirms
//!     ┌─────┐ ─────────────────────▶ ┌─────────┐ ──────────────▶ ┌──────┐
//!     │ Off │                        │ Asked   │                 │ Live │
//!     └─────┘ ◀───────────────────── └─────────┘                 └──────┘
//!        ▲        refused                                           │
//!        │                                                          │ unwanted for the linger
//!        │     Redis confirms        ┌─────────┐ UNSUBSCRIBE sent   │ time
//!        └────────────────────────── │ Leaving │ ◀──────────────────┘
//!                                    └─────────┘
//!     from every phase: the connection is lost, or Redis ends the channel unasked ──▶ Off
//!     from Asked and Leaving: no confirmation within the deadline ──▶ asked again
//! ```
//!
//! Invariants:
//!
//! - `asked` is the number of the connection on which the current phase was requested.
//!   Confirmations on another connection are ignored, so a connection that was given up cannot
//!   revive an entry.
//! - `heard` is the connection whose messages are delivered. It changes only when a subscription
//!   is confirmed, so that messages of two connections never mix.
//! - A wanted entry that drops from `Live` to `Off` sets `missed`. When it is live again, its
//!   subscribers get one gap.
//! - Nobody changes the phase but `Subscriptions` and the methods here, under the entry's lock.
//!   The lock of `Table` is taken before an entry's lock, never after it.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::broker::format::sequence::SequenceTracker;
use crate::broker::redis::failure::unavailable;
use crate::broker::{Channel, Scope, Sink};
use crate::error::Result;

/// One channel that this process listens to.
pub(crate) struct Entry {
    /// Its name in Redis.
    pub(crate) name: Box<str>,
    /// The slot, by which its shard is found.
    pub(crate) slot: u16,
    procedure: Box<str>,
    scope: OwnedScope,
    pub(crate) state: Mutex<State>,
}

enum OwnedScope {
    All,
    Room(Box<str>),
    Node(u64),
}

/// The mutable state of an entry.
#[derive(Default)]
pub(crate) struct State {
    /// Copied when it changes, so that a delivery needs no lock.
    pub(crate) subscribers: Arc<Vec<Subscriber>>,
    pub(crate) phase: SubscriptionPhase,
    /// The connection on which Redis was asked for it, unless the phase is `Off`.
    pub(crate) asked: u64,
    /// When Redis was asked, while its confirmation is awaited.
    pub(crate) asked_at: Option<Instant>,
    /// How often it was asked again because no confirmation came.
    pub(crate) retries: u32,
    /// The connection whose messages are delivered.
    pub(crate) heard: u64,
    /// It was live, and then the connection was lost: messages sent meanwhile never arrive.
    pub(crate) missed: bool,
    /// Nobody wants it any more, but somebody may again at any moment.
    pub(crate) lingering: bool,
    /// Counts how often it became idle.
    pub(crate) idled: u64,
    /// It is on its shard's list of entries to look at.
    pub(crate) queued: bool,
    /// Joins that wait until it is live.
    pub(crate) waiting: Vec<oneshot::Sender<Result>>,
    pub(crate) tracker: SequenceTracker,
}

/// A sink, and the number of the call that brought it.
#[derive(Clone)]
pub(crate) struct Subscriber {
    pub(crate) call: u64,
    pub(crate) sink: Arc<dyn Sink>,
}

/// How far a subscription is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum SubscriptionPhase {
    /// Redis does not send it.
    #[default]
    Off,
    /// Redis was asked to subscribe.
    Asked,
    /// Redis has confirmed the subscription.
    Live,
    /// Redis was asked to unsubscribe.
    Leaving,
}

impl Entry {
    pub(crate) fn new(name: String, slot: u16, channel: Channel<'_>) -> Self {
        let scope = match channel.scope {
            Scope::All => OwnedScope::All,
            Scope::Room(room) => OwnedScope::Room(room.into()),
            Scope::Node(node) => OwnedScope::Node(node),
        };
        Self {
            name: name.into(),
            slot,
            procedure: channel.procedure.into(),
            scope,
            state: Mutex::default(),
        }
    }

    /// The channel that its name encodes.
    pub(crate) fn channel(&self) -> Channel<'_> {
        let scope = match &self.scope {
            OwnedScope::All => Scope::All,
            OwnedScope::Room(room) => Scope::Room(room),
            OwnedScope::Node(node) => Scope::Node(*node),
        };
        Channel { procedure: &self.procedure, scope }
    }

    /// Reports to every subscriber that messages may be missing.
    pub(crate) fn report_gap(&self, subscribers: &[Subscriber], messages: Option<u64>) {
        for subscriber in subscribers {
            subscriber.sink.gap(self.channel(), messages);
        }
    }

    /// Redis refused to subscribe. The next heartbeat asks again.
    pub(crate) fn refused(&self, why: &str) {
        let mut state = self.state.lock();
        if state.phase == SubscriptionPhase::Asked {
            state.phase = SubscriptionPhase::Off;
        }
        state.finish_joins(|| Err(unavailable(why)));
    }

    /// Redis redirected the request on this connection: it is asked again with the next route.
    #[cfg(feature = "redis-cluster")]
    pub(crate) fn redirected(&self, connection: u64) {
        self.state.lock().withdraw(connection);
    }
}

impl State {
    pub(crate) fn is_wanted(&self) -> bool {
        self.lingering || !self.subscribers.is_empty()
    }

    /// Adds a sink. One that is there already stays once, with the number of the later call.
    pub(crate) fn add(&mut self, call: u64, sink: Arc<dyn Sink>) {
        let subscribers = Arc::make_mut(&mut self.subscribers);
        match subscribers.iter_mut().find(|subscriber| is_same(&*subscriber.sink, &*sink)) {
            Some(subscriber) => subscriber.call = call,
            None => subscribers.push(Subscriber { call, sink }),
        }
        self.lingering = false;
    }

    /// Removes the subscribers for which `leaves` is true. Returns `true` if that removed the last.
    pub(crate) fn remove(&mut self, leaves: impl Fn(&Subscriber) -> bool) -> bool {
        if !self.subscribers.iter().any(&leaves) {
            return false;
        }
        Arc::make_mut(&mut self.subscribers).retain(|subscriber| !leaves(subscriber));
        self.subscribers.is_empty()
    }

    /// Redis does not send it any more, whether it was asked to stop or not.
    pub(crate) fn mark_off(&mut self) {
        self.missed |= self.phase == SubscriptionPhase::Live && self.is_wanted();
        self.phase = SubscriptionPhase::Off;
        self.retries = 0;
    }

    /// Redis was asked on this connection.
    pub(crate) fn ask(&mut self, phase: SubscriptionPhase, connection: u64) {
        self.phase = phase;
        self.asked = connection;
        self.asked_at = Some(Instant::now());
    }

    /// Redis has confirmed the subscription on this connection.
    pub(crate) fn mark_live(&mut self, connection: u64) {
        self.phase = SubscriptionPhase::Live;
        self.heard = connection;
        self.retries = 0;
    }

    /// Whether a confirmation is awaited and was not given within `patience`. If so, it is
    /// prepared to be asked for again.
    pub(crate) fn retry_overdue(&mut self, now: Instant, patience: Duration) -> bool {
        let overdue = self.asked_at.is_some_and(|asked| now.duration_since(asked) > patience);
        if overdue {
            self.phase = match self.phase {
                SubscriptionPhase::Leaving if !self.is_wanted() => SubscriptionPhase::Live,
                _ => SubscriptionPhase::Off,
            };
            self.retries = self.retries.saturating_add(1);
        }
        overdue
    }

    /// Takes back a request that was made on this connection. Returns whether there was one.
    #[cfg(feature = "redis-cluster")]
    pub(crate) fn withdraw(&mut self, connection: u64) -> bool {
        let asked = self.phase == SubscriptionPhase::Asked && self.asked == connection;
        if asked {
            self.phase = SubscriptionPhase::Off;
        }
        asked
    }

    /// Answers the joins that wait until it is live.
    pub(crate) fn finish_joins(&mut self, outcome: impl Fn() -> Result) {
        for waiting in self.waiting.drain(..) {
            let _ = waiting.send(outcome());
        }
    }
}

/// Whether two sinks are the same one.
pub(crate) fn is_same(one: &dyn Sink, other: &dyn Sink) -> bool {
    std::ptr::addr_eq(one, other)
}

/// An entry that is found by its name.
pub(crate) struct ByName(pub(crate) Arc<Entry>);

impl Borrow<[u8]> for ByName {
    fn borrow(&self) -> &[u8] {
        self.0.name.as_bytes()
    }
}

impl Hash for ByName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.as_bytes().hash(state);
    }
}

impl PartialEq for ByName {
    fn eq(&self, other: &Self) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for ByName {}
