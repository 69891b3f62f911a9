//! What is wanted, what Redis was asked for, and what it confirmed: the state behind the lock of
//! [`Table`](super::table::Table), without I/O and without tasks.
//!
//! What is wanted is the source of truth, and Redis is made to follow it. No call talks to Redis
//! itself: it changes an entry and marks it. The listener of the entry's shard then takes the
//! marked entries as [`Work`], one step for each, so that the order of calls cannot be lost between
//! them.
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
//! - `reconcile` looks at every entry of a shard on each heartbeat, and marks what is wanted and
//!   missing. What was not confirmed within the deadline is asked for again, and counted until it
//!   is confirmed.
//! - With a cluster, `reroute` moves entries between shards. What the former server still sends is
//!   ended there (`Shard::orphans`), and what it confirms is ignored.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, oneshot};

use super::entry::{ByName, Entry, State, Subscriber, SubscriptionPhase as Phase};
use crate::broker::redis::failure::unavailable;
use crate::broker::redis::route::Route;
use crate::broker::{Channel, Sink};
use crate::error::Result;

/// Every channel that somebody wants, or wanted a moment ago.
pub(crate) struct Subscriptions {
    entries: HashSet<ByName>,
    route: Route,
    shards: Vec<Shard>,
    /// Entries that nobody wants any more: when to end them, and how often each was idle by then.
    idle: VecDeque<(Instant, Arc<Entry>, u64)>,
    /// Numbers the calls of `add`.
    calls: u64,
    /// Numbers the connections.
    connections: u64,
}

/// The state for the server that carries one shard.
#[derive(Default)]
struct Shard {
    /// Entries to look at.
    marked: Vec<Arc<Entry>>,
    /// Channels that its server was asked for before another server came to carry them.
    orphans: Vec<Arc<Entry>>,
    /// Notified when there is something to look at.
    changed: Arc<Notify>,
    /// Why nothing can be subscribed to at present.
    down: Option<String>,
    /// Why the connection is not up at present.
    trouble: Option<String>,
}

/// What to ask of Redis next.
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

/// What came of adding a subscriber.
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
            route,
            shards: vec![Shard::default()],
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
        let slot = self.route.slot(name.as_bytes());
        let shard = self.shards.get(self.route.shard(slot));
        if let Some(why) = shard.and_then(|shard| shard.down.as_ref()) {
            return Added::Down(why.clone());
        }
        let (sender, live) = oneshot::channel();
        let entry = known.unwrap_or_else(|| Arc::new(Entry::new(name, slot, channel)));
        let mut state = entry.state.lock();
        state.add(call, sink);
        state.waiting.push(sender);
        self.entries.insert(ByName(entry.clone()));
        self.mark(&entry, &mut state);
        drop(state);
        Added::Pending { entry, call, live }
    }

    /// Removes subscribers of an entry, which lingers so long if none are left. Returns whether
    /// it is the only idle one.
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
            self.mark(entry, &mut state);
            return false;
        }
        state.lingering = true;
        state.idled += 1;
        self.idle.push_back((Instant::now() + linger, entry.clone(), state.idled));
        self.idle.len() == 1
    }

    /// Marks what nobody has wanted for long enough. Returns when to look again.
    pub(crate) fn mark_idle(&mut self, now: Instant) -> Option<Instant> {
        while let Some((due, entry, idled)) = self.idle.pop_front() {
            if due > now {
                self.idle.push_front((due, entry, idled));
                return Some(due);
            }
            let mut state = entry.state.lock();
            if state.lingering && state.idled == idled {
                state.lingering = false;
                self.mark(&entry, &mut state);
            }
        }
        None
    }

    pub(crate) fn find(&self, name: &[u8]) -> Option<Arc<Entry>> {
        self.entries.get(name).map(|entry| entry.0.clone())
    }

    /// Notified when there is something of the shard to look at.
    pub(crate) fn changed(&self, shard: usize) -> Arc<Notify> {
        self.shards.get(shard).map(|shard| shard.changed.clone()).unwrap_or_default()
    }

    /// What is wrong with any connection.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.shards.iter().find_map(|shard| shard.trouble.clone())
    }

    /// There is a new connection to the server of `shard`, without subscriptions. Returns its
    /// number.
    pub(crate) fn connected(&mut self, shard: usize) -> u64 {
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.down = None;
            shard.trouble = Some("nothing was received yet".to_owned());
            shard.orphans.clear();
        }
        for entry in self.of_shard(shard) {
            let mut state = entry.state.lock();
            self.mark(&entry, &mut state);
        }
        self.connections += 1;
        self.connections
    }

    /// Forgets what is not wanted of the shard. Returns whether anything is left.
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

    /// Nothing of the shard is wanted, so nothing can be wrong with its connection.
    pub(crate) fn idle(&mut self, shard: usize) {
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.down = None;
            shard.trouble = None;
        }
    }

    /// The connection is gone, and every subscription on it. There is no reason if it was closed
    /// because nothing was wanted.
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

    /// Redis is away: pending joins fail, and later ones fail at once.
    pub(crate) fn down(&mut self, shard: usize, why: &str) {
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.down = Some(why.to_owned());
            shard.trouble = Some(why.to_owned());
        }
        for entry in self.entries.iter().filter(|e| self.route.shard(e.0.slot) == shard) {
            entry.0.state.lock().finish_joins(|| Err(unavailable(why)));
        }
    }

    /// What to ask next on the connection; it is noted as asked.
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

    /// Marks what is wanted of the shard and missing, and what was not confirmed within
    /// `patience`. Returns what Redis should be sending.
    pub(crate) fn reconcile(&mut self, shard: usize, now: Instant, patience: Duration) -> Census {
        let mut census = Census::default();
        for entry in self.of_shard(shard) {
            let mut state = entry.state.lock();
            match state.phase {
                Phase::Live => census.live += 1,
                Phase::Off => self.mark(&entry, &mut state),
                Phase::Asked | Phase::Leaving => {
                    census.pending += 1;
                    if state.retry_overdue(now, patience) {
                        self.mark(&entry, &mut state);
                    }
                    census.overdue += usize::from(state.retries > 0);
                }
            }
        }
        census
    }

    /// Notes what is wrong with the open connection to the server of the shard.
    pub(crate) fn set_trouble(&mut self, shard: usize, trouble: Option<String>) {
        if let Some(shard) = self.shards.get_mut(shard) {
            shard.trouble = trouble;
        }
    }

    /// Redis has confirmed a subscription. Returns the entry and its subscribers if they missed
    /// messages before.
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
            self.mark(&entry, &mut state);
        }
        drop(state);
        missed.then_some((entry, subscribers))
    }

    /// Redis does not send a channel any more. Returns whether its slot may have moved.
    pub(crate) fn ended(&mut self, name: &[u8], connection: u64) -> bool {
        let Some(entry) = self.find(name) else { return false };
        let mut state = entry.state.lock();
        if state.asked != connection {
            return false;
        }
        let unasked = state.phase == Phase::Live;
        state.mark_off();
        if unasked && !self.route.is_one() {
            // The slot moved. This server may be a replica by now, which would confirm a request.
            return true;
        }
        self.mark(&entry, &mut state);
        false
    }

    fn of_shard(&self, shard: usize) -> Vec<Arc<Entry>> {
        let entries = self.entries.iter().map(|entry| &entry.0);
        entries.filter(|entry| self.route.shard(entry.slot) == shard).cloned().collect()
    }

    /// Puts the entry on the list that the listener of its shard looks at.
    fn mark(&mut self, entry: &Arc<Entry>, state: &mut State) {
        let shard = self.route.shard(entry.slot);
        let Some(shard) = self.shards.get_mut(shard) else { return };
        if !state.queued {
            state.queued = true;
            shard.marked.push(entry.clone());
        }
        shard.changed.notify_one();
    }
}

#[cfg(feature = "redis-cluster")]
impl Subscriptions {
    /// Makes room for so many shards.
    pub(crate) fn grow(&mut self, shards: usize) {
        while self.shards.len() < shards {
            self.shards.push(Shard::default());
        }
    }

    /// Follows a new route. What waited for one is asked for.
    pub(crate) fn reroute(&mut self, route: &Route) {
        let was = std::mem::replace(&mut self.route, route.clone());
        let marked: Vec<_> = self.shards.iter_mut().flat_map(|s| s.marked.drain(..)).collect();
        for entry in marked {
            let mut state = entry.state.lock();
            state.queued = false;
            self.mark(&entry, &mut state);
        }
        let entries: Vec<_> = self.entries.iter().map(|entry| entry.0.clone()).collect();
        for entry in entries {
            let mut state = entry.state.lock();
            let (from, to) = (was.shard(entry.slot), route.shard(entry.slot));
            if from == to && state.phase != Phase::Off {
                continue;
            }
            if from != to && state.phase != Phase::Off {
                // Usually it has ended there already, or the server is gone.
                self.shards[from].orphans.push(entry.clone());
                self.shards[from].changed.notify_one();
                state.mark_off();
                state.asked = 0;
            }
            self.mark(&entry, &mut state);
            if let Some(why) = &self.shards[to].down {
                state.finish_joins(|| Err(unavailable(why)));
            }
        }
        let carrying = route.shards();
        for (shard, at) in self.shards.iter_mut().enumerate() {
            if !carrying.contains(&shard) {
                (at.down, at.trouble) = (None, None);
                at.changed.notify_one();
            }
        }
    }

    /// Asks again at once for what was asked for on this connection without a clear answer.
    pub(crate) fn ask_again(&mut self, entry: &Arc<Entry>, connection: u64) {
        let mut state = entry.state.lock();
        if state.withdraw(connection) {
            self.mark(entry, &mut state);
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
        assert_eq!((census.live, census.pending), (0, 1), "the old server's word does not count");
        begun(&mut table, new);
        table.ended(NAME.as_bytes(), old);
        let census = table.reconcile(2, Instant::now(), SECOND);
        assert_eq!((census.live, census.pending, *gaps.0.lock()), (1, 0, 1));
    }
}
