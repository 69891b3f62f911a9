//! One channel that this process listens to.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::numbers::Origins;
use crate::broker::{Channel, Scope, Sink};
use crate::error::{Error, Result};

/// One channel: who wants it, and how far its subscription is.
pub(super) struct Entry {
    /// Its name in Redis.
    pub(super) name: Box<str>,
    /// By which its shard is found.
    pub(super) slot: u16,
    procedure: Box<str>,
    scope: Owned,
    pub(super) state: Mutex<State>,
}

enum Owned {
    All,
    Room(Box<str>),
    Node(u64),
}

/// What changes of it.
#[derive(Default)]
pub(super) struct State {
    /// Copied when it changes, so that a delivery holds no lock.
    pub(super) sinks: Arc<Vec<Wanting>>,
    pub(super) phase: Phase,
    /// The connection on which Redis was asked for it, while the phase is not [`Phase::Off`].
    pub(super) asked: u64,
    /// The connection whose messages count.
    pub(super) heard: u64,
    /// It was live, and then the connection was lost: what came meanwhile never will.
    pub(super) missed: bool,
    /// Nobody wants it any more, but somebody may again at any moment.
    pub(super) lingering: bool,
    /// Counts the times that it became idle.
    pub(super) idled: u64,
    /// It is on the list of what is to be looked at.
    pub(super) queued: bool,
    /// Those who wait for it to be live.
    pub(super) waiting: Vec<oneshot::Sender<Result>>,
    pub(super) origins: Origins,
}

/// A sink, and the number of the call that brought it.
#[derive(Clone)]
pub(super) struct Wanting {
    pub(super) call: u64,
    pub(super) sink: Arc<dyn Sink>,
}

/// How far a subscription is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Redis does not know of it.
    #[default]
    Off,
    /// Redis was asked to begin.
    Asked,
    /// Redis has said that it began.
    Live,
    /// Redis was asked to end it.
    Leaving,
}

impl Entry {
    pub(super) fn new(name: String, slot: u16, channel: Channel<'_>) -> Self {
        let scope = match channel.scope {
            Scope::All => Owned::All,
            Scope::Room(room) => Owned::Room(room.into()),
            Scope::Node(node) => Owned::Node(node),
        };
        Self {
            name: name.into(),
            slot,
            procedure: channel.procedure.into(),
            scope,
            state: Mutex::default(),
        }
    }

    /// What its name stands for.
    pub(super) fn channel(&self) -> Channel<'_> {
        let scope = match &self.scope {
            Owned::All => Scope::All,
            Owned::Room(room) => Scope::Room(room),
            Owned::Node(node) => Scope::Node(*node),
        };
        Channel { procedure: &self.procedure, scope }
    }

    /// Tells everyone who listens that messages may be missing.
    pub(super) fn tell_gap(&self, sinks: &[Wanting], messages: Option<u64>) {
        for wanting in sinks {
            wanting.sink.gap(self.channel(), messages);
        }
    }
}

impl State {
    pub(super) fn is_wanted(&self) -> bool {
        self.lingering || !self.sinks.is_empty()
    }

    /// Adds a sink; one that is there already stays once, with the later call's number.
    pub(super) fn add(&mut self, call: u64, sink: Arc<dyn Sink>) {
        let sinks = Arc::make_mut(&mut self.sinks);
        match sinks.iter_mut().find(|wanting| is_same(&*wanting.sink, &*sink)) {
            Some(wanting) => wanting.call = call,
            None => sinks.push(Wanting { call, sink }),
        }
        self.lingering = false;
    }

    /// Removes the sinks that `leaves` says; `true` if that left none.
    pub(super) fn remove(&mut self, leaves: impl Fn(&Wanting) -> bool) -> bool {
        if !self.sinks.iter().any(&leaves) {
            return false;
        }
        Arc::make_mut(&mut self.sinks).retain(|wanting| !leaves(wanting));
        self.sinks.is_empty()
    }

    /// Redis sends it no more, whether it was asked to or not.
    pub(super) fn is_off(&mut self) {
        self.missed |= self.phase == Phase::Live && self.is_wanted();
        self.phase = Phase::Off;
    }

    /// Answers those who wait for it to be live.
    pub(super) fn answer(&mut self, outcome: impl Fn() -> Result<(), Error>) {
        for waiting in self.waiting.drain(..) {
            let _ = waiting.send(outcome());
        }
    }
}

/// Whether two sinks are one.
pub(super) fn is_same(one: &dyn Sink, other: &dyn Sink) -> bool {
    std::ptr::addr_eq(one, other)
}

/// An entry that is found by its name.
pub(super) struct ByName(pub(super) Arc<Entry>);

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
