//! One room: a list of members, each of which knows its slot.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::member::{Member, Membership};
use super::name::EVERYONE;
use crate::sync::{Mutex, MutexGuard, OnceCell};

/// One room of one procedure.
///
/// Locks are taken in this order: the hub's shard, a room's members, a member's rooms.
pub(crate) struct Room {
    name: Box<str>,
    members: Mutex<Vec<Arc<Member>>>,
    /// Set once the broker's subscription is live.
    pub(super) live: OnceCell<()>,
    /// Joins under way, which keep the room alive while it is empty.
    pub(super) joining: AtomicUsize,
}

impl Room {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            members: Mutex::default(),
            live: OnceCell::new(),
            joining: AtomicUsize::new(0),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_everyone(&self) -> bool {
        &*self.name == EVERYONE
    }

    /// The members, locked: who holds them delivers, so that all members see one order.
    pub(super) fn members(&self) -> MutexGuard<'_, Vec<Arc<Member>>> {
        self.members.lock()
    }

    pub(super) fn is_unused(&self) -> bool {
        self.joining.load(Ordering::Acquire) == 0 && self.members.lock().is_empty()
    }

    /// Adds a member; joining twice is joining once. `false` if it has left for good.
    pub(super) fn add(self: &Arc<Self>, member: &Arc<Member>) -> bool {
        let mut members = self.members.lock();
        let mut rooms = member.rooms.lock();
        if rooms.closed {
            return false;
        }
        if !rooms.list.iter().any(|m| Arc::ptr_eq(&m.room, self)) {
            if rooms.list.capacity() == 0 {
                // Everyone's and one of its own: what most connections are in.
                rooms.list.reserve_exact(2);
            }
            rooms.list.push(Membership { room: self.clone(), slot: members.len() });
            members.push(member.clone());
        }
        true
    }

    /// Removes a member, if it is one.
    pub(super) fn remove(self: &Arc<Self>, member: &Member) {
        let mut members = self.members.lock();
        let slot = {
            let mut rooms = member.rooms.lock();
            let Some(at) = rooms.list.iter().position(|m| Arc::ptr_eq(&m.room, self)) else {
                return;
            };
            rooms.list.swap_remove(at).slot
        };
        members.swap_remove(slot);
        let Some(moved) = members.get(slot) else {
            if members.is_empty() {
                members.shrink_to_fit();
            }
            return;
        };
        if let Some(m) = moved.rooms.lock().list.iter_mut().find(|m| Arc::ptr_eq(&m.room, self)) {
            m.slot = slot;
        }
    }
}
