//! A channel that this application hears: who wants it, and how far its subscription is.

use std::sync::Arc;

use tokio::sync::oneshot;

use crate::broker::format::sequence::SequenceTracker;
use crate::broker::{Channel, Scope, Sink};
use crate::error::Result;
use crate::platform::HashMap;

/// The channels by their names.
pub(super) type Channels = HashMap<String, Entry>;

pub(super) struct Entry {
    pub(super) channel: Arc<OwnedChannel>,
    pub(super) is_live: bool,
    /// It was live before.
    pub(super) missed: bool,
    pub(super) waiters: Vec<Waiter>,
    pub(super) sinks: Vec<Arc<dyn Sink>>,
    pub(super) tracker: SequenceTracker,
    /// A gap was reported since the last message.
    pub(super) in_gap: bool,
    /// Counts how often somebody came or left, for the linger time.
    pub(super) changes: u64,
    _ended: oneshot::Sender<()>,
}

pub(super) struct Waiter {
    pub(super) sink: Arc<dyn Sink>,
    pub(super) done: oneshot::Sender<Result>,
}

pub(super) struct OwnedChannel {
    procedure: Box<str>,
    scope: OwnedScope,
}

enum OwnedScope {
    All,
    Room(Box<str>),
    Node(u64),
}

impl OwnedChannel {
    fn of(channel: Channel<'_>) -> Self {
        let scope = match channel.scope {
            Scope::All => OwnedScope::All,
            Scope::Room(room) => OwnedScope::Room(room.into()),
            Scope::Node(node) => OwnedScope::Node(node),
        };
        Self { procedure: channel.procedure.into(), scope }
    }

    pub(super) fn channel(&self) -> Channel<'_> {
        let scope = match &self.scope {
            OwnedScope::All => Scope::All,
            OwnedScope::Room(room) => Scope::Room(room),
            OwnedScope::Node(node) => Scope::Node(*node),
        };
        Channel { procedure: &self.procedure, scope }
    }

    pub(super) fn report_gap(&self, sinks: &[Arc<dyn Sink>], messages: Option<u64>) {
        for sink in sinks {
            sink.gap(self.channel(), messages);
        }
    }
}

impl Entry {
    pub(super) fn new(channel: Channel<'_>, ended: oneshot::Sender<()>) -> Self {
        Self {
            channel: Arc::new(OwnedChannel::of(channel)),
            is_live: false,
            missed: false,
            waiters: Vec::new(),
            sinks: Vec::new(),
            tracker: SequenceTracker::default(),
            in_gap: false,
            changes: 0,
            _ended: ended,
        }
    }

    pub(super) fn is_unused(&self) -> bool {
        self.sinks.is_empty() && self.waiters.is_empty()
    }

    /// The sinks to report a gap to, unless it was reported.
    pub(super) fn begin_gap(&mut self) -> Vec<Arc<dyn Sink>> {
        self.tracker.gap_reported();
        if std::mem::replace(&mut self.in_gap, true) { Vec::new() } else { self.sinks.clone() }
    }
}
