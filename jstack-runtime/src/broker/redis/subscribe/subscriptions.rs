//! Which channels are wanted, requested and confirmed: the state behind the lock of
//! [`Table`](super::table::Table), without I/O and without tasks.
//!
//! The wanted channels are the source of truth, and Redis is made to follow them. No call sends
//! anything itself: it changes an entry and marks it. The listener of the entry's shard then takes
//! the marked entries as [`Work`], one step for each. So two requests for one channel never race.
//!
//! ```text
//!  add / leave ──▶ entry ──▶ mark ──▶ shard.marked ──▶ work() ──▶ SUBSCRIBE / UNSUBSCRIBE
//!                    ▲                                                    │
//!                    └──── begun() / ended() / lost() / refused ◀─────────┘
//! ```
//!
//! Invariants:
//!
//! - An entry is on at most one list of marked entries (`State::queued`).
//! - An entry is removed only when nobody wants it and Redis does not send it.
//! - `reconcile` checks every entry of a shard on each heartbeat, and marks those that are wanted
//!   and off. A request without a confirmation within the deadline is repeated, and counted until
//!   it is confirmed.
//! - With a cluster, `reroute` moves entries between shards. On the former server, they are ended
//!   (`Shard::orphans`), and its confirmations are ignored.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};

use super::entry::{ByName, Entry, Subscriber, SubscriptionPhase as Phase};
use super::shards::Shards;
use crate::broker::redis::failure::unavailable;
use crate::broker::redis::route::Route;
use crate::broker::{Channel, Sink};
use crate::error::Result;

/// Every channel that somebody wants, or wanted a moment ago.
pub(crate) struct Subscriptions {
    entries: HashSet<ByName>,
    shards: Shards,
    /// Entries that linger: when to end each, and its `State::idled` at that time.
    idle: VecDeque<(Instant, Arc<Entry>, u64)>,
    /// Numbers the calls of `add`.
    calls: u64,
    /// Numbers the connections.
    connections: u64,
}

/// The next requests to Redis.
#[derive(Default)]
pub(crate) struct Work {
    pub(crate) begin: Vec<Arc<Entry>>,
    pub(crate) end: Vec<Arc<Entry>>,
}

/// How many channels of a shard are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    /// Confirmed.
    pub(crate) live: usize,
    /// Asked for, or asked to be ended: Redis may send them or not.
    pub(crate) pending: usize,
    /// Those that had to be asked for again.
    pub(crate) overdue: usize,
}

/// The result of adding a subscriber.
pub(crate) enum Added {
    /// The channel is live.
    Live,
    /// Redis is away, for this reason.
    Down(String),
    /// Redis must confirm the subscription.
    Pending { entry: Arc<Entry>, call: u64, live: oneshot::Receiver<Result> },
}

impl Subscriptions {
    pub(crate) fn new(route: Route) -> Self {
        Self {
            entries: HashSet::new(),
            shards: Shards::new(route),
            idle: VecDeque::new(),
            calls: 0,
            connections: 0,
        }
    }

    /// Adds a subscriber to a channel.
    pub(crate) fn add(&mut self, name: String, channel: Channel<'_>, sink: Arc<dyn Sink>) -> Added {
        self.calls += 1;
        let call = self.calls;
        let known = self.entries.get(name.as_bytes()).map(|entry| entry.0.clone());
        if let Some(entry) = &known {
            let mut state = entry.state.lock();
            if state.phase == Phase::Live {
                state.add(call, sink);
                return Added::Live;
            }
        }
        let slot = self.shards.route().slot(name.as_bytes());
        if let Some(why) = self.shards.of(slot).and_then(|shard| shard.down.as_ref()) {
            return Added::Down(why.clone());
        }
        let (sender, live) = oneshot::channel();
        let entry = known.unwrap_or_else(|| Arc::new(Entry::new(name, slot, channel)));
        let mut state = entry.state.lock();
        state.add(call, sink);
        state.waiting.push(sender);
        self.entries.insert(ByName(entry.clone()));
        self.shards.mark(&entry, &mut state);
        drop(state);
        Added::Pending { entry, call, live }
    }

    /// Removes subscribers of an entry. Without any left, the entry lingers for the time given.
    /// Returns whether no other entry lingers.
    pub(crate) fn leave(
        &mut self,
        entry: &Arc<Entry>,
        leaves: impl Fn(&Subscriber) -> bool,
        linger: Duration,
    ) -> bool {
        let mut state = entry.state.lock();
        if !state.remove(leaves) {
            return false;
        }
        if state.phase != Phase::Live || linger.is_zero() {
            self.shards.mark(entry, &mut state);
            return false;
        }
        state.lingering = true;
        state.idled += 1;
        self.idle.push_back((Instant::now() + linger, entry.clone(), state.idled));
        self.idle.len() == 1
    }

    /// Marks the entries whose time to linger is over. Returns when the next one's is.
    pub(crate) fn mark_idle(&mut self, now: Instant) -> Option<Instant> {
        while let Some((due, entry, idled)) = self.idle.pop_front() {
            if due > now {
                self.idle.push_front((due, entry, idled));
                return Some(due);
            }
            let mut state = entry.state.lock();
            if state.lingering && state.idled == idled {
                state.lingering = false;
                self.shards.mark(&entry, &mut state);
            }
        }
        None
    }

    pub(crate) fn find(&self, name: &[u8]) -> Option<Arc<Entry>> {
        self.entries.get(name).map(|entry| entry.0.clone())
    }

    /// Notified when an entry of the shard is marked.
    pub(crate) fn changed(&self, shard: usize) -> Arc<Notify> {
        self.shards.get(shard).map(|shard| shard.changed.clone()).unwrap_or_default()
    }

    /// The trouble of a connection, if one has any.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.shards.trouble()
    }

    /// Registers a new connection to the server of `shard`. It has no subscriptions yet. Returns
    /// its number.
    pub(crate) fn connected(&mut self, shard: usize) -> u64 {
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.down = None;
            shard.trouble = Some("nothing was received yet".to_owned());
            shard.orphans.clear();
        }
        for entry in self.of_shard(shard) {
            let mut state = entry.state.lock();
            self.shards.mark(&entry, &mut state);
        }
        self.connections += 1;
        self.connections
    }

    /// Removes the shard's entries that nobody wants. Returns whether any are left.
    pub(crate) fn retain_wanted(&mut self, shard: usize) -> bool {
        let mut wanted = false;
        for entry in self.of_shard(shard) {
            let state = entry.state.lock();
            if state.is_wanted() || state.phase != Phase::Off {
                wanted = true;
            } else {
                self.entries.remove(entry.name.as_bytes());
            }
        }
        wanted
    }

    /// Clears what is wrong with the shard: nothing of it is wanted, so it needs no connection.
    pub(crate) fn idle(&mut self, shard: usize) {
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.down = None;
            shard.trouble = None;
        }
    }

    /// Marks all subscriptions of a lost connection as off. Without a reason, it was closed because
    /// nothing was wanted.
    pub(crate) fn lost(&mut self, shard: usize, connection: u64, why: Option<&str>) {
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.trouble = why.map(str::to_owned);
        }
        for entry in &self.entries {
            let mut state = entry.0.state.lock();
            if state.asked == connection {
                state.mark_off();
            }
        }
    }

    /// Fails the pending joins, and later ones at once: the server cannot be reached.
    pub(crate) fn down(&mut self, shard: usize, why: &str) {
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.down = Some(why.to_owned());
            shard.trouble = Some(why.to_owned());
        }
        for entry in self.entries.iter().filter(|entry| self.shards.number(&entry.0) == shard) {
            entry.0.state.lock().finish_joins(|| Err(unavailable(why)));
        }
    }

    /// Takes the next requests for the connection, which count as sent.
    pub(crate) fn work(&mut self, shard: usize, connection: u64) -> Work {
        let Some(at) = self.shards.get_mut(shard) else { return Work::default() };
        let mut work = Work { begin: Vec::new(), end: std::mem::take(&mut at.orphans) };
        for entry in std::mem::take(&mut at.marked) {
            let mut state = entry.state.lock();
            state.queued = false;
            match (state.is_wanted(), state.phase) {
                (true, Phase::Off) => {
                    state.ask(Phase::Asked, connection);
                    work.begin.push(entry.clone());
                }
                (false, Phase::Live) => {
                    state.ask(Phase::Leaving, connection);
                    work.end.push(entry.clone());
                }
                (false, Phase::Off) => {
                    state.finish_joins(|| Err(unavailable("nobody wants the channel any more")));
                    // Another entry may have the name by now.
                    let current = self.entries.get(entry.name.as_bytes());
                    if current.is_some_and(|current| Arc::ptr_eq(&current.0, &entry)) {
                        self.entries.remove(entry.name.as_bytes());
                    }
                }
                // The confirmation that is on its way marks the entry again.
                _ => {}
            }
        }
        work
    }

    /// Marks the shard's entries that are wanted and off, and those that were not confirmed within
    /// `patience`. Returns how many channels Redis should be sending.
    pub(crate) fn reconcile(&mut self, shard: usize, now: Instant, patience: Duration) -> Census {
        let mut census = Census::default();
        for entry in self.of_shard(shard) {
            let mut state = entry.state.lock();
            match state.phase {
                Phase::Live => census.live += 1,
                Phase::Off => self.shards.mark(&entry, &mut state),
                Phase::Asked | Phase::Leaving => {
                    census.pending += 1;
                    if state.retry_overdue(now, patience) {
                        self.shards.mark(&entry, &mut state);
                    }
                    census.overdue += usize::from(state.retries > 0);
                }
            }
        }
        census
    }

    /// Sets what is wrong with the open connection of the shard.
    pub(crate) fn set_trouble(&mut self, shard: usize, trouble: Option<String>) {
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.trouble = trouble;
        }
    }

    /// Records that Redis confirmed a subscription. Returns the entry and its subscribers if they
    /// missed messages before.
    pub(crate) fn begun(
        &mut self,
        name: &[u8],
        connection: u64,
    ) -> Option<(Arc<Entry>, Arc<Vec<Subscriber>>)> {
        let entry = self.find(name)?;
        let mut state = entry.state.lock();
        if state.phase != Phase::Asked || state.asked != connection {
            return None;
        }
        state.mark_live(connection);
        state.finish_joins(|| Ok(()));
        let missed = std::mem::take(&mut state.missed);
        state.tracker.gap_reported();
        let subscribers = state.subscribers.clone();
        if !state.is_wanted() {
            self.shards.mark(&entry, &mut state);
        }
        drop(state);
        missed.then_some((entry, subscribers))
    }

    /// Records that Redis no longer sends a channel. Returns whether its slot may have moved.
    pub(crate) fn ended(&mut self, name: &[u8], connection: u64) -> bool {
        let Some(entry) = self.find(name) else { return false };
        let mut state = entry.state.lock();
        if state.asked != connection {
            return false;
        }
        let unasked = state.phase == Phase::Live;
        state.mark_off();
        if unasked && !self.shards.route().is_one() {
            // The slot moved. This server may be a replica by now, which would confirm a request.
            return true;
        }
        self.shards.mark(&entry, &mut state);
        false
    }

    fn of_shard(&self, shard: usize) -> Vec<Arc<Entry>> {
        let entries = self.entries.iter().map(|entry| &entry.0);
        entries.filter(|entry| self.shards.number(entry) == shard).cloned().collect()
    }
}

#[cfg(feature = "redis-cluster")]
impl Subscriptions {
    /// Makes room for so many shards.
    pub(crate) fn grow(&mut self, shards: usize) {
        self.shards.grow(shards);
    }

    /// Adopts a new route: entries move between shards, and those that had none are asked for.
    pub(crate) fn reroute(&mut self, route: &Route) {
        let was = self.shards.adopt(route);
        let entries: Vec<_> = self.entries.iter().map(|entry| entry.0.clone()).collect();
        for entry in entries {
            self.shards.move_entry(&entry, was.shard(entry.slot));
        }
        self.shards.forget_trouble_of_idle();
    }

    /// Marks an entry again whose request on this connection had no clear answer.
    pub(crate) fn ask_again(&mut self, entry: &Arc<Entry>, connection: u64) {
        let mut state = entry.state.lock();
        if state.withdraw(connection) {
            self.shards.mark(entry, &mut state);
        }
    }
}

#[cfg(all(test, feature = "redis-cluster"))]
mod tests {
    use parking_lot::Mutex;

    use super::*;
    use crate::broker::redis::route::SLOTS;
    use crate::broker::{Publication, Scope};

    const ROOM: Channel<'static> = Channel { procedure: "post/chat", scope: Scope::Room("r") };
    const NAME: &str = "jstack:post/chat:room:r";
    const SECOND: Duration = Duration::from_secs(1);

    /// The gaps that were reported.
    #[derive(Default)]
    struct Gaps(Mutex<usize>);

    impl Sink for Gaps {
        fn deliver(&self, _: &Publication<'_>) {}

        fn gap(&self, _: Channel<'_>, _: Option<u64>) {
            *self.0.lock() += 1;
        }
    }

    /// One shard has all slots.
    fn all(shard: u16) -> Route {
        Route::Slots(Arc::from(vec![shard; SLOTS]))
    }

    fn begun(subscriptions: &mut Subscriptions, connection: u64) {
        if let Some((entry, subscribers)) = subscriptions.begun(NAME.as_bytes(), connection) {
            entry.report_gap(&subscribers, None);
        }
    }

    #[test]
    fn a_channel_is_asked_for_where_its_slot_is_and_ended_where_it_was() {
        let mut table = Subscriptions::new(Route::nowhere());
        let gaps = Arc::new(Gaps::default());
        let _pending = table.add(NAME.to_owned(), ROOM, gaps.clone());
        table.grow(3);
        table.reroute(&all(1));
        let names =
            |entries: &[Arc<Entry>]| entries.iter().map(|e| e.name.to_string()).collect::<Vec<_>>();

        let old = table.connected(1);
        assert_eq!(names(&table.work(1, old).begin), [NAME]);
        begun(&mut table, old);
        assert_eq!(table.reconcile(1, Instant::now(), SECOND).live, 1);

        table.reroute(&all(2));
        let new = table.connected(2);
        assert_eq!(names(&table.work(1, old).end), [NAME]);
        assert_eq!(names(&table.work(2, new).begin), [NAME]);
        begun(&mut table, old);
        let census = table.reconcile(2, Instant::now(), SECOND);
        assert_eq!((census.live, census.pending), (0, 1), "the old server cannot confirm it");
        begun(&mut table, new);
        table.ended(NAME.as_bytes(), old);
        let census = table.reconcile(2, Instant::now(), SECOND);
        assert_eq!((census.live, census.pending, *gaps.0.lock()), (1, 0, 1));
    }
}
