//! The channels that this process wants: the source of truth, which Redis is made to follow.
//!
//! A change marks its channel for the listener of its shard; that compares what is wanted with
//! what Redis was asked for, one step at a time, so that the order of calls cannot be lost between
//! them. Here is what is wanted, in `subscriptions.rs` what Redis makes of it.
//! Locks are taken in this order: the table, an entry.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use http::StatusCode;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::entry::{ByName, Entry, Phase, State, Wanting, is_same};
use super::route::Route;
use crate::broker::{Channel, Sink, Subscribe};
use crate::error::Error;

/// Every channel that somebody wants, or wanted a moment ago.
pub(super) struct Table {
    pub(super) inner: Mutex<Inner>,
    /// Numbers the connections.
    pub(super) connections: AtomicU64,
    /// Something may have to be ended earlier than was said.
    idled: Notify,
    /// Redis has ended what it was not asked to end.
    pub(super) ended: Notify,
    /// How long a channel that nobody wants is kept.
    linger: Duration,
    /// How long a subscribe may take.
    deadline: Duration,
}

pub(super) struct Inner {
    pub(super) entries: HashSet<ByName>,
    pub(super) route: Route,
    pub(super) shards: Vec<Shard>,
    /// What nobody wants any more, when to end it, and how often it had been idle then.
    idle: VecDeque<(Instant, Arc<Entry>, u64)>,
    calls: u64,
}

/// What concerns the server that carries one shard.
#[derive(Default)]
pub(super) struct Shard {
    pub(super) marked: Vec<Arc<Entry>>,
    /// What its server was asked for before another came to carry it.
    pub(super) strays: Vec<Arc<Entry>>,
    /// There is something to look at.
    pub(super) changed: Arc<Notify>,
    /// Why nothing can be subscribed to just now.
    pub(super) down: Option<String>,
    pub(super) trouble: Option<String>,
}

impl Inner {
    pub(super) fn of_shard(&self, shard: usize) -> Vec<Arc<Entry>> {
        let entries = self.entries.iter().map(|entry| &entry.0);
        entries.filter(|entry| self.route.shard(entry.slot) == shard).cloned().collect()
    }

    /// The listener of its shard is to look at the entry.
    pub(super) fn mark(&mut self, entry: &Arc<Entry>, state: &mut State) {
        let shard = self.route.shard(entry.slot);
        let Some(shard) = self.shards.get_mut(shard) else { return };
        if !state.queued {
            state.queued = true;
            shard.marked.push(entry.clone());
        }
        shard.changed.notify_one();
    }
}

pub(super) fn unavailable(why: &str) -> Error {
    Error::with_code(StatusCode::SERVICE_UNAVAILABLE, "broker", format!("Redis: {why}"))
}

impl Table {
    pub(super) fn new(route: Route, linger: Duration, deadline: Duration) -> Arc<Self> {
        let inner = Inner {
            entries: HashSet::new(),
            route,
            shards: vec![Shard::default()],
            idle: VecDeque::new(),
            calls: 0,
        };
        Arc::new(Self {
            inner: Mutex::new(inner),
            connections: AtomicU64::new(0),
            idled: Notify::new(),
            ended: Notify::new(),
            linger,
            deadline,
        })
    }

    /// Wants a channel for `sink`. A future that is dropped takes that back.
    pub(super) fn subscribe(
        self: &Arc<Self>,
        name: String,
        channel: Channel<'_>,
        sink: Arc<dyn Sink>,
    ) -> Subscribe {
        let (sender, live) = oneshot::channel();
        let (entry, call) = {
            let mut inner = self.inner.lock();
            inner.calls += 1;
            let call = inner.calls;
            let known = inner.entries.get(name.as_bytes()).map(|entry| entry.0.clone());
            if let Some(entry) = &known {
                let mut state = entry.state.lock();
                if state.phase == Phase::Live {
                    state.add(call, sink);
                    return Box::pin(std::future::ready(Ok(())));
                }
            }
            let slot = inner.route.slot(name.as_bytes());
            let shard = inner.shards.get(inner.route.shard(slot));
            if let Some(why) = shard.and_then(|shard| shard.down.as_ref()) {
                return Box::pin(std::future::ready(Err(unavailable(why))));
            }
            let entry = known.unwrap_or_else(|| Arc::new(Entry::new(name, slot, channel)));
            let mut state = entry.state.lock();
            state.add(call, sink);
            state.waiting.push(sender);
            inner.entries.insert(ByName(entry.clone()));
            inner.mark(&entry, &mut state);
            drop(state);
            (entry, call)
        };
        let pending = Pending { table: self.clone(), entry, call, live: false };
        let deadline = self.deadline;
        Box::pin(async move {
            // The whole of it moves in here, not one field.
            let mut pending = pending;
            let outcome = match tokio::time::timeout(deadline, live).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => Err(unavailable("the broker was shut down")),
                Err(_) => Err(unavailable("no subscription within the deadline")),
            };
            pending.live = outcome.is_ok();
            outcome
        })
    }

    /// Wants a channel for `sink` no more.
    pub(super) fn unsubscribe(&self, name: &str, sink: &dyn Sink) {
        let entry = self.find(name.as_bytes());
        if let Some(entry) = entry {
            self.leave(&entry, |wanting| is_same(&*wanting.sink, sink));
        }
    }

    fn leave(&self, entry: &Arc<Entry>, leaves: impl Fn(&Wanting) -> bool) {
        let mut inner = self.inner.lock();
        let mut state = entry.state.lock();
        if !state.remove(leaves) {
            return;
        }
        if state.phase == Phase::Live && !self.linger.is_zero() {
            state.lingering = true;
            state.idled += 1;
            inner.idle.push_back((Instant::now() + self.linger, entry.clone(), state.idled));
            if inner.idle.len() == 1 {
                self.idled.notify_one();
            }
        } else {
            inner.mark(entry, &mut state);
        }
    }

    pub(super) fn find(&self, name: &[u8]) -> Option<Arc<Entry>> {
        self.inner.lock().entries.get(name).map(|entry| entry.0.clone())
    }

    /// Told when there is something of the shard to look at.
    pub(super) fn changed(&self, shard: usize) -> Arc<Notify> {
        self.inner.lock().shards.get(shard).map(|shard| shard.changed.clone()).unwrap_or_default()
    }

    /// What is wrong with any connection.
    pub(super) fn trouble(&self) -> Option<String> {
        self.inner.lock().shards.iter().find_map(|shard| shard.trouble.clone())
    }

    /// Marks, for ever, what nobody has wanted for long enough.
    pub(super) async fn sweep(self: Arc<Self>) {
        loop {
            let due = self.mark_idle(Instant::now());
            tokio::select! {
                () = self.idled.notified() => {}
                () = at(due) => {}
            }
        }
    }

    /// Marks what nobody has wanted for long enough, and says when to look again.
    fn mark_idle(&self, now: Instant) -> Option<Instant> {
        let mut inner = self.inner.lock();
        while let Some((due, entry, idled)) = inner.idle.pop_front() {
            if due > now {
                inner.idle.push_front((due, entry, idled));
                return Some(due);
            }
            let mut state = entry.state.lock();
            if state.lingering && state.idled == idled {
                state.lingering = false;
                inner.mark(&entry, &mut state);
            }
        }
        None
    }
}

/// The moment `when`, if there is one.
pub(super) async fn at(when: Option<Instant>) {
    match when {
        Some(when) => tokio::time::sleep_until(when.into()).await,
        None => std::future::pending().await,
    }
}

/// A subscribe that nobody may be waiting for any more.
struct Pending {
    table: Arc<Table>,
    entry: Arc<Entry>,
    call: u64,
    live: bool,
}

impl Drop for Pending {
    fn drop(&mut self) {
        if !self.live {
            let call = self.call;
            self.table.leave(&self.entry, |wanting| wanting.call == call);
        }
    }
}
