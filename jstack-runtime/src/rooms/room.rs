//! One room: a list of members, each of which knows its slot.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::member::{Member, Membership};
use super::name::EVERYONE;
use super::repair::Place;
use crate::history::Position;
use crate::sync::{Mutex, MutexGuard, OnceCell};

/// What became of adding a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Added {
    Done,
    /// The member has left for good.
    Closed,
    /// The room has said more than the caller knows.
    Behind,
}

/// One room of one procedure.
///
/// Locks are taken in this order: the hub's shard, a room's members, its place, a member's rooms.
pub(crate) struct Room {
    name: Box<str>,
    members: Mutex<Vec<Arc<Member>>>,
    /// Set once the broker's subscription is live.
    pub(super) live: OnceCell<()>,
    /// Where the last message that was delivered here is in the room's history. It changes under the
    /// lock of the members.
    place: Mutex<Place>,
    /// Joins under way, which keep the room alive while it is empty.
    pub(super) joining: AtomicUsize,
}

impl Room {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            members: Mutex::default(),
            live: OnceCell::new(),
            place: Mutex::default(),
            joining: AtomicUsize::new(0),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn is_everyone(&self) -> bool {
        &*self.name == EVERYONE
    }

    /// The members, locked. Delivery happens under this lock, so that all members see one order.
    pub(super) fn members(&self) -> MutexGuard<'_, Vec<Arc<Member>>> {
        self.members.lock()
    }

    /// The room's position in its history, if it has one.
    pub(super) fn position(&self) -> Option<Position> {
        self.place().position()
    }

    /// The same and what waits, locked. It is changed under the lock of the members.
    pub(super) fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock()
    }

    pub(super) fn is_unused(&self) -> bool {
        self.joining.load(Ordering::Acquire) == 0 && self.members.lock().is_empty()
    }

    /// Adds a member, unless the room has moved beyond `until`; joining twice is joining once.
    ///
    /// `welcome` runs for a new member, with the room's position, before any message can reach it.
    pub(super) fn add(
        self: &Arc<Self>,
        member: &Arc<Member>,
        until: Option<Position>,
        welcome: impl FnOnce(Option<Position>),
    ) -> Added {
        let mut members = self.members.lock();
        let mut rooms = member.rooms.lock();
        if rooms.closed {
            return Added::Closed;
        }
        if !rooms.list.iter().any(|m| Arc::ptr_eq(&m.room, self)) {
            if rooms.list.capacity() == 0 {
                // Most connections are in two rooms: everyone's and one more.
                rooms.list.reserve_exact(2);
            }
            let position = self.place().welcome();
            if let (Some(until), Some(at)) = (until, position)
                && (at.epoch() != until.epoch() || at.offset() > until.offset())
            {
                return Added::Behind;
            }
            let reported = position.map_or(0, |position| position.offset());
            rooms.list.push(Membership { room: self.clone(), slot: members.len(), reported });
            drop(rooms);
            members.push(member.clone());
            welcome(position);
        }
        Added::Done
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
