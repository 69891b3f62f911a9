//! `Shards`: which server carries an entry, and what its listener has to look at.

use std::sync::Arc;

use tokio::sync::Notify;

#[cfg(feature = "redis-cluster")]
use super::entry::SubscriptionPhase;
use super::entry::{Entry, State};
#[cfg(feature = "redis-cluster")]
use crate::broker::redis::failure::unavailable;
use crate::broker::redis::route::Route;

/// The shards, by number, and the route that assigns slots to them.
pub(super) struct Shards {
    route: Route,
    shards: Vec<Shard>,
}

/// The state for the server that carries one shard.
#[derive(Default)]
pub(super) struct Shard {
    /// Entries to look at.
    pub(super) marked: Vec<Arc<Entry>>,
    /// Entries that another server carries now. They are ended here.
    pub(super) orphans: Vec<Arc<Entry>>,
    /// Notified when there is something to look at.
    pub(super) changed: Arc<Notify>,
    /// Why subscribing fails at present.
    pub(super) down: Option<String>,
    /// Why the connection is not up at present.
    pub(super) trouble: Option<String>,
}

impl Shards {
    pub(super) fn new(route: Route) -> Self {
        Self { route, shards: vec![Shard::default()] }
    }

    pub(super) fn route(&self) -> &Route {
        &self.route
    }

    pub(super) fn get(&self, shard: usize) -> Option<&Shard> {
        self.shards.get(shard)
    }

    pub(super) fn get_mut(&mut self, shard: usize) -> Option<&mut Shard> {
        self.shards.get_mut(shard)
    }

    /// The shard that carries a slot.
    pub(super) fn of(&self, slot: u16) -> Option<&Shard> {
        self.shards.get(self.route.shard(slot))
    }

    /// The number of the shard that carries an entry.
    pub(super) fn number(&self, entry: &Entry) -> usize {
        self.route.shard(entry.slot)
    }

    /// The trouble of a connection, if one has any.
    pub(super) fn trouble(&self) -> Option<String> {
        self.shards.iter().find_map(|shard| shard.trouble.clone())
    }

    /// Puts the entry on the list of its shard's listener.
    pub(super) fn mark(&mut self, entry: &Arc<Entry>, state: &mut State) {
        let shard = self.number(entry);
        let Some(shard) = self.shards.get_mut(shard) else { return };
        if !state.queued {
            state.queued = true;
            shard.marked.push(entry.clone());
        }
        shard.changed.notify_one();
    }
}

#[cfg(feature = "redis-cluster")]
impl Shards {
    /// Makes room for so many shards.
    pub(super) fn grow(&mut self, shards: usize) {
        while self.shards.len() < shards {
            self.shards.push(Shard::default());
        }
    }

    /// Replaces the route, and moves the marked entries to their new lists. Returns the old route.
    pub(super) fn adopt(&mut self, route: &Route) -> Route {
        let was = std::mem::replace(&mut self.route, route.clone());
        let marked: Vec<_> = self.shards.iter_mut().flat_map(|s| s.marked.drain(..)).collect();
        for entry in marked {
            let mut state = entry.state.lock();
            state.queued = false;
            self.mark(&entry, &mut state);
        }
        was
    }

    /// Ends an entry on the shard that carried it, and marks it on the one that carries it now.
    pub(super) fn move_entry(&mut self, entry: &Arc<Entry>, from: usize) {
        let to = self.number(entry);
        let mut state = entry.state.lock();
        if state.phase != SubscriptionPhase::Off {
            if from == to {
                return;
            }
            // Usually the channel has ended there already, or the server is gone.
            if let Some(shard) = self.shards.get_mut(from) {
                shard.orphans.push(entry.clone());
                shard.changed.notify_one();
            }
            state.mark_off();
            state.asked = 0;
        }
        self.mark(entry, &mut state);
        if let Some(why) = self.shards.get(to).and_then(|shard| shard.down.as_ref()) {
            state.finish_joins(|| Err(unavailable(why)));
        }
    }

    /// Clears what is wrong with shards that carry nothing any more.
    pub(super) fn forget_trouble_of_idle(&mut self) {
        let carrying = self.route.shards();
        for (number, shard) in self.shards.iter_mut().enumerate() {
            if !carrying.contains(&number) {
                (shard.down, shard.trouble) = (None, None);
                shard.changed.notify_one();
            }
        }
    }
}
