//! What Redis was asked to send, and what it says of that: the other side of the table.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::entry::{Entry, Phase};
use super::table::{Table, unavailable};

/// What to ask of Redis next.
#[derive(Default)]
pub(super) struct Work {
    pub(super) begin: Vec<Arc<Entry>>,
    pub(super) end: Vec<Arc<Entry>>,
}

impl Table {
    /// A new connection to the server of `shard` is there, on which nothing is subscribed to.
    /// Returns its number.
    pub(super) fn connected(&self, shard: usize) -> u64 {
        let mut inner = self.inner.lock();
        if let Some(shard) = inner.shards.get_mut(shard) {
            shard.down = None;
            shard.trouble = None;
            shard.strays.clear();
        }
        for entry in inner.of_shard(shard) {
            let mut state = entry.state.lock();
            inner.mark(&entry, &mut state);
        }
        self.connections.fetch_add(1, Ordering::AcqRel) + 1
    }

    /// Whether anything of the shard is wanted; forgets what is not.
    pub(super) fn is_wanted(&self, shard: usize) -> bool {
        let mut inner = self.inner.lock();
        let mut wanted = false;
        for entry in inner.of_shard(shard) {
            let state = entry.state.lock();
            if state.is_wanted() || state.phase != Phase::Off {
                wanted = true;
            } else {
                inner.entries.remove(entry.name.as_bytes());
            }
        }
        wanted
    }

    /// Nothing of the shard is wanted, so nothing can be wrong with its connection.
    pub(super) fn idle(&self, shard: usize) {
        if let Some(shard) = self.inner.lock().shards.get_mut(shard) {
            shard.down = None;
            shard.trouble = None;
        }
    }

    /// The connection is gone, and every subscription on it; `why`, unless it was let go.
    pub(super) fn lost(&self, shard: usize, connection: u64, why: Option<&str>) {
        let mut inner = self.inner.lock();
        if let Some(shard) = inner.shards.get_mut(shard) {
            shard.trouble = why.map(str::to_owned);
        }
        for entry in &inner.entries {
            let mut state = entry.0.state.lock();
            if state.asked == connection {
                state.is_off();
            }
        }
    }

    /// Redis is away: who waits is told so, and who comes is told at once.
    pub(super) fn down(&self, shard: usize, why: &str) {
        let mut inner = self.inner.lock();
        if let Some(shard) = inner.shards.get_mut(shard) {
            shard.down = Some(why.to_owned());
            shard.trouble = Some(why.to_owned());
        }
        for entry in inner.entries.iter().filter(|e| inner.route.shard(e.0.slot) == shard) {
            entry.0.state.lock().answer(|| Err(unavailable(why)));
        }
    }

    /// What to ask next on the connection, noted as asked.
    pub(super) fn work(&self, shard: usize, connection: u64) -> Work {
        let mut inner = self.inner.lock();
        let Some(at) = inner.shards.get_mut(shard) else { return Work::default() };
        let mut work = Work { begin: Vec::new(), end: std::mem::take(&mut at.strays) };
        for entry in std::mem::take(&mut at.marked) {
            let mut state = entry.state.lock();
            state.queued = false;
            match (state.is_wanted(), state.phase) {
                (true, Phase::Off) => {
                    state.phase = Phase::Asked;
                    state.asked = connection;
                    work.begin.push(entry.clone());
                }
                (false, Phase::Live) => {
                    state.phase = Phase::Leaving;
                    work.end.push(entry.clone());
                }
                (false, Phase::Off) => {
                    state.answer(|| Err(unavailable("nobody wants the channel any more")));
                    // By now another entry may have the name.
                    if inner
                        .entries
                        .get(entry.name.as_bytes())
                        .is_some_and(|e| Arc::ptr_eq(&e.0, &entry))
                    {
                        inner.entries.remove(entry.name.as_bytes());
                    }
                }
                // Redis' answer to what it was asked marks the entry again.
                _ => {}
            }
        }
        work
    }

    /// Redis refused to begin these. They are asked for again at the next heartbeat.
    pub(super) fn refused(entries: &[Arc<Entry>], why: &str) {
        for entry in entries {
            let mut state = entry.state.lock();
            if state.phase == Phase::Asked {
                state.phase = Phase::Off;
            }
            state.answer(|| Err(unavailable(why)));
        }
    }

    /// Marks what is wanted of the shard and not there. Returns how many channels are live, if
    /// nothing is under way.
    pub(super) fn check(&self, shard: usize) -> Option<usize> {
        let mut inner = self.inner.lock();
        let (mut live, mut settled) = (0, true);
        for entry in inner.of_shard(shard) {
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
        let Some(entry) = inner.entries.get(name).map(|entry| entry.0.clone()) else { return };
        let mut state = entry.state.lock();
        if state.phase != Phase::Asked || state.asked != connection {
            return;
        }
        state.phase = Phase::Live;
        state.heard = connection;
        state.answer(|| Ok(()));
        let missed = std::mem::take(&mut state.missed);
        state.origins.told();
        let sinks = state.sinks.clone();
        if !state.is_wanted() {
            inner.mark(&entry, &mut state);
        }
        drop(state);
        drop(inner);
        if missed {
            entry.tell_gap(&sinks, None);
        }
    }

    /// Redis sends a channel no more.
    pub(super) fn ended(&self, name: &[u8], connection: u64) {
        let mut inner = self.inner.lock();
        let Some(entry) = inner.entries.get(name).map(|entry| entry.0.clone()) else { return };
        let mut state = entry.state.lock();
        if state.asked != connection {
            return;
        }
        // It was not asked to end it: then somebody may miss it.
        let unasked = state.phase == Phase::Live;
        state.is_off();
        if unasked && !inner.route.is_one() {
            // Its slot went elsewhere: who asks here again may be asking a replica, which agrees.
            self.ended.notify_one();
        } else {
            inner.mark(&entry, &mut state);
        }
    }
}
