//! The rooms of a procedure by name, in shards with a lock each.

use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;

use hashbrown::HashTable;

use super::room::Room;
use crate::platform::RandomState;
use crate::sync::RwLock;

/// A power of two.
const SHARDS: usize = 32;

/// A name is hashed once to find its shard and its slot there, and stored once, in its room.
pub(super) struct Registry {
    /// Clients choose the names: the hash is keyed, so that they cannot cause collisions.
    key: RandomState,
    shards: Box<[RwLock<HashTable<Arc<Room>>>]>,
}

/// The entry of one name in its shard, which is locked.
pub(super) struct Entry<'a> {
    registry: &'a Registry,
    shard: &'a mut HashTable<Arc<Room>>,
    hash: u64,
    name: &'a str,
}

impl Registry {
    pub(super) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| RwLock::default()).collect();
        Self { key: RandomState::new(), shards }
    }

    #[inline]
    fn hash(&self, name: &str) -> u64 {
        let mut hasher = self.key.build_hasher();
        hasher.write(name.as_bytes());
        hasher.finish()
    }

    #[inline]
    fn shard(&self, hash: u64) -> &RwLock<HashTable<Arc<Room>>> {
        // The table uses the lowest and the highest bits.
        &self.shards[(hash >> 32) as usize % SHARDS]
    }

    /// Visits a room, if there is one. Others of its shard can be visited meanwhile; joins wait.
    #[inline]
    pub(super) fn with_room<T>(
        &self,
        name: &str,
        visit: impl FnOnce(&Arc<Room>) -> T,
    ) -> Option<T> {
        let hash = self.hash(name);
        let shard = self.shard(hash).read();
        shard.find(hash, |room| room.name() == name).map(visit)
    }

    /// Locks the entry of a name, so that rooms can come and go there.
    pub(super) fn with_entry<T>(&self, name: &str, change: impl FnOnce(Entry<'_>) -> T) -> T {
        let hash = self.hash(name);
        let mut shard = self.shard(hash).write();
        change(Entry { registry: self, shard: &mut shard, hash, name })
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.read().len()).sum()
    }
}

impl Entry<'_> {
    /// The room with this name, created if needed.
    pub(super) fn room(&mut self) -> Arc<Room> {
        let (registry, name) = (self.registry, self.name);
        self.shard
            .entry(self.hash, |room| room.name() == name, |room| registry.hash(room.name()))
            .or_insert_with(|| Arc::new(Room::new(name)))
            .get()
            .clone()
    }

    /// Removes `room`; `false` if its name belongs to another room, or to none.
    pub(super) fn remove(&mut self, room: &Arc<Room>) -> bool {
        let Ok(found) = self.shard.find_entry(self.hash, |other| Arc::ptr_eq(other, room)) else {
            return false;
        };
        found.remove();
        if self.shard.is_empty() {
            self.shard.shrink_to_fit(|_| 0);
        }
        true
    }
}
