//! The channels that this process wants: the source of truth, which Redis is made to follow.
//!
//! A change marks its channel; the listener compares what is wanted with what Redis was asked
//! for, one step at a time, so that the order of calls cannot be lost between them.
//! Locks are taken in this order: the table, an entry.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::StatusCode;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::entry::{ByName, Entry, Phase, State, is_same};
use crate::broker::{Channel, Sink, Subscribe};
use crate::error::Error;

/// Every channel that somebody wants, or wanted a moment ago.
pub(super) struct Table {
    inner: Mutex<Inner>,
    /// There is something to look at.
    pub(super) changed: Notify,
    /// Counts connections; what an earlier one still says does not count.
    connection: AtomicU64,
    /// How long a channel that nobody wants is kept.
    linger: Duration,
    /// How long a subscribe may take.
    deadline: Duration,
}

#[derive(Default)]
struct Inner {
    entries: HashSet<ByName>,
    marked: Vec<Arc<Entry>>,
    /// What nobody wants any more, when to end it, and how often it had been idle then.
    idle: VecDeque<(Instant, Arc<Entry>, u64)>,
    calls: u64,
    /// Why nothing can be subscribed to just now.
    down: Option<String>,
    trouble: Option<String>,
}

/// What to ask of Redis next.
#[derive(Default)]
pub(super) struct Work {
    pub(super) begin: Vec<Arc<Entry>>,
    pub(super) end: Vec<Arc<Entry>>,
}

impl Inner {
    fn mark(&mut self, entry: &Arc<Entry>, state: &mut State) {
        if !state.queued {
            state.queued = true;
            self.marked.push(entry.clone());
        }
    }
}

fn unavailable(why: &str) -> Error {
    Error::with_code(StatusCode::SERVICE_UNAVAILABLE, "broker", format!("Redis: {why}"))
}

impl Table {
    pub(super) fn new(linger: Duration, deadline: Duration) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::default(),
            changed: Notify::new(),
            connection: AtomicU64::new(0),
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
            if let Some(why) = &inner.down {
                return Box::pin(std::future::ready(Err(unavailable(why))));
            }
            let entry = known.unwrap_or_else(|| Arc::new(Entry::new(name, channel)));
            let mut state = entry.state.lock();
            state.add(call, sink);
            state.waiting.push(sender);
            inner.entries.insert(ByName(entry.clone()));
            inner.mark(&entry, &mut state);
            drop(state);
            (entry, call)
        };
        self.changed.notify_one();
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

    fn leave(&self, entry: &Arc<Entry>, leaves: impl Fn(&super::entry::Wanting) -> bool) {
        let mut inner = self.inner.lock();
        let mut state = entry.state.lock();
        if !state.remove(leaves) {
            return;
        }
        if state.phase == Phase::Live && !self.linger.is_zero() {
            state.lingering = true;
            state.idled += 1;
            inner.idle.push_back((Instant::now() + self.linger, entry.clone(), state.idled));
            if inner.idle.len() > 1 {
                return;
            }
        } else {
            inner.mark(entry, &mut state);
        }
        drop(state);
        drop(inner);
        self.changed.notify_one();
    }

    pub(super) fn find(&self, name: &[u8]) -> Option<Arc<Entry>> {
        self.inner.lock().entries.get(name).map(|entry| entry.0.clone())
    }

    /// A new connection is there, on which nothing is subscribed to. Returns its number.
    pub(super) fn connected(&self) -> u64 {
        let mut inner = self.inner.lock();
        inner.down = None;
        inner.trouble = None;
        let entries: Vec<_> = inner.entries.iter().map(|entry| entry.0.clone()).collect();
        for entry in entries {
            let mut state = entry.state.lock();
            inner.mark(&entry, &mut state);
        }
        self.connection.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// The number of the connection that counts.
    pub(super) fn connection(&self) -> u64 {
        self.connection.load(Ordering::Acquire)
    }

    /// The connection is lost, and every subscription with it.
    pub(super) fn lost(&self, why: &str) {
        self.connection.fetch_add(1, Ordering::AcqRel);
        let mut inner = self.inner.lock();
        inner.trouble = Some(why.to_owned());
        for entry in &inner.entries {
            let mut state = entry.0.state.lock();
            state.missed |= state.phase == Phase::Live && state.is_wanted();
            state.phase = Phase::Off;
        }
    }

    /// Redis is away: who waits is told so, and who comes is told at once.
    pub(super) fn down(&self, why: &str) {
        let mut inner = self.inner.lock();
        inner.down = Some(why.to_owned());
        inner.trouble = Some(why.to_owned());
        for entry in &inner.entries {
            entry.0.state.lock().answer(|| Err(unavailable(why)));
        }
    }

    pub(super) fn trouble(&self) -> Option<String> {
        self.inner.lock().trouble.clone()
    }

    /// What to ask of Redis next, noted as asked.
    pub(super) fn work(&self) -> Work {
        let mut work = Work::default();
        let mut inner = self.inner.lock();
        for entry in std::mem::take(&mut inner.marked) {
            let mut state = entry.state.lock();
            state.queued = false;
            match (state.is_wanted(), state.phase) {
                (true, Phase::Off) => {
                    state.phase = Phase::Asked;
                    work.begin.push(entry.clone());
                }
                (false, Phase::Live) => {
                    state.phase = Phase::Leaving;
                    work.end.push(entry.clone());
                }
                (false, Phase::Off) => {
                    state.answer(|| Err(unavailable("nobody wants the channel any more")));
                    inner.entries.remove(entry.name.as_bytes());
                }
                // Redis' answer to what it was asked marks the entry again.
                _ => {}
            }
        }
        work
    }

    /// Marks what nobody has wanted for long enough, and says when to look again.
    pub(super) fn sweep(&self, now: Instant) -> Option<Instant> {
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

    /// Redis refused to begin these. They are asked for again at the next heartbeat.
    pub(super) fn refused(&self, entries: &[Arc<Entry>], why: &str) {
        for entry in entries {
            let mut state = entry.state.lock();
            if state.phase == Phase::Asked {
                state.phase = Phase::Off;
            }
            state.answer(|| Err(unavailable(why)));
        }
    }

    /// Marks what is wanted and not there. Returns how many channels are live, if nothing is
    /// under way.
    pub(super) fn check(&self) -> Option<usize> {
        let mut inner = self.inner.lock();
        let entries: Vec<_> = inner.entries.iter().map(|entry| entry.0.clone()).collect();
        let (mut live, mut settled) = (0, true);
        for entry in entries {
            let mut state = entry.state.lock();
            match state.phase {
                Phase::Live => live += 1,
                Phase::Off => {
                    settled = false;
                    inner.mark(&entry, &mut state);
                }
                Phase::Asked | Phase::Leaving => settled = false,
            }
        }
        settled.then_some(live)
    }

    /// Redis has begun to send a channel.
    pub(super) fn begun(&self, name: &[u8], connection: u64) {
        let mut inner = self.inner.lock();
        if connection != self.connection() {
            return;
        }
        let Some(entry) = inner.entries.get(name).map(|entry| entry.0.clone()) else { return };
        let mut state = entry.state.lock();
        if state.phase != Phase::Asked {
            return;
        }
        state.phase = Phase::Live;
        state.answer(|| Ok(()));
        let missed = std::mem::take(&mut state.missed);
        state.origins.told();
        let sinks = state.sinks.clone();
        let wanted = state.is_wanted();
        if !wanted {
            inner.mark(&entry, &mut state);
        }
        drop(state);
        drop(inner);
        if missed {
            entry.tell_gap(&sinks, None);
        }
        if !wanted {
            self.changed.notify_one();
        }
    }

    /// Redis sends a channel no more.
    pub(super) fn ended(&self, name: &[u8], connection: u64) {
        let mut inner = self.inner.lock();
        if connection != self.connection() {
            return;
        }
        let Some(entry) = inner.entries.get(name).map(|entry| entry.0.clone()) else { return };
        let mut state = entry.state.lock();
        // It was not asked to end it: then somebody may miss it.
        state.missed |= state.phase == Phase::Live && state.is_wanted();
        state.phase = Phase::Off;
        inner.mark(&entry, &mut state);
        drop(state);
        drop(inner);
        self.changed.notify_one();
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
