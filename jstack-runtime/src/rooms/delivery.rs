//! Delivery: from a message to the queues of those whom it is for.

use std::cell::Cell;
use std::sync::Arc;

use super::broadcast::Broadcast;
use super::hub::{Hub, left_out, push};
use super::member::Member;
use super::name::{EVERYONE, wire_name};
use super::repair::Arrival;
use super::room::Room;
use crate::broker::{Channel, Publication, Scope, Sink};
use crate::history::Position;
use crate::observe;
use crate::outbound::{Frame, Pushed};
use crate::protocol::close::CLOSE;
use crate::protocol::frames;
use crate::socket_id::SocketId;

thread_local! {
    /// Spare lists of connections with something to write.
    static DIRTY: Cell<Vec<Arc<Member>>> = const { Cell::new(Vec::new()) };
}

/// Connections with something to write, gathered for the flusher in a spare list.
struct Dirty {
    list: Vec<Arc<Member>>,
    sent: u64,
}

impl Dirty {
    fn new() -> Self {
        Self { list: DIRTY.take(), sent: 0 }
    }

    #[inline]
    fn note(&mut self, member: &Arc<Member>, pushed: Pushed) {
        if matches!(pushed, Pushed::Dirty | Pushed::Overflow) {
            self.list.push(member.clone());
        }
        self.sent += 1;
    }

    fn flush(mut self, hub: &Hub) {
        hub.meters().sent.increment(self.sent);
        if !self.list.is_empty() {
            hub.node().flusher().mark_all(&mut self.list);
        }
        DIRTY.set(self.list);
    }
}

impl Hub {
    fn deliver_to_room(&self, room: &Arc<Room>, message: &Publication<'_>) {
        let members = room.members();
        if self.has_history() && !self.is_next(room, &members, message) {
            return;
        }
        let dirty = self.push_to_members(room, &members, message);
        drop(members);
        dirty.flush(self);
    }

    /// Whether a message of a room with history is to be delivered now. It is not if it was already,
    /// or if something before it is missing and is read first.
    fn is_next(
        &self,
        room: &Arc<Room>,
        members: &[Arc<Member>],
        message: &Publication<'_>,
    ) -> bool {
        let arrival = room.place().arrive(message, self.bounds().queue);
        match arrival {
            Arrival::Next => return true,
            Arrival::Repeated | Arrival::Waits | Arrival::Dropped(0) => {}
            Arrival::Begins => self.begin_repair(room),
            Arrival::Dropped(lost) => self.report_dropped(room, members, lost),
        }
        false
    }

    /// Delivers to the members, whose lock the caller has.
    pub(super) fn deliver_to_members(
        &self,
        room: &Room,
        members: &[Arc<Member>],
        message: &Publication<'_>,
    ) {
        self.push_to_members(room, members, message).flush(self);
    }

    fn push_to_members(
        &self,
        room: &Room,
        members: &[Arc<Member>],
        message: &Publication<'_>,
    ) -> Dirty {
        if let Some(position) = message.position {
            return self.push_at(room, members, message, position);
        }
        let out = Broadcast::new(message);
        let everyone = message.except.is_empty() && message.except_rooms.is_empty();
        let (mut dirty, limits) = (Dirty::new(), self.bounds().queue);
        let members_for = members.iter().filter(|member| everyone || !left_out(member, message));
        match self.classes().of(message.json()) {
            None => {
                for member in members_for {
                    dirty.note(member, push(member, out.frame_for(member), limits));
                }
            }
            Some(class) => {
                let key = || class.key(message.json());
                for member in members_for {
                    dirty.note(member, self.push_class(member, out.frame_for(member), class, &key));
                }
            }
        }
        dirty
    }

    /// Delivers a message of a room with a history: to the profile `v1` with its offset, also to those
    /// whom it is not for, so that nobody takes an exclusion for a loss.
    fn push_at(
        &self,
        room: &Room,
        members: &[Arc<Member>],
        message: &Publication<'_>,
        position: Position,
    ) -> Dirty {
        let (name, offset) = (wire_name(room.name()), position.offset());
        let (mut dirty, limits) = (Dirty::new(), self.bounds().queue);
        let out = Broadcast::new(message);
        let (mut extended, mut skipped) = (None, None);
        for member in members {
            let pushed = match (left_out(member, message), member.profile.is_v1()) {
                (false, false) => push(member, out.frame_for(member), limits),
                (true, false) => continue,
                (false, true) => {
                    let frame = extended.get_or_insert_with(|| {
                        Frame::new(frames::positioned(message.json(), name, offset))
                    });
                    push(member, frame, limits)
                }
                (true, true) => {
                    let frame = skipped.get_or_insert_with(|| Frame::new(frames::at(name, offset)));
                    push(member, frame, limits)
                }
            };
            dirty.note(member, pushed);
        }
        dirty
    }

    pub(super) fn deliver_to_socket(&self, id: SocketId, message: &Publication<'_>) {
        let member = self.member(id);
        if let Some(member) = member.filter(|member| !left_out(member, message)) {
            let out = Broadcast::new(message);
            self.push_event(&member, out.frame_for(&member), message.json());
            self.meters().sent.increment(1);
        }
    }
}

impl Sink for Hub {
    fn deliver(&self, message: &Publication<'_>) {
        let room = match (message.channel.scope, message.only) {
            (Scope::All, _) => Some(EVERYONE),
            (Scope::Room(name), _) => Some(name),
            (Scope::Node(_), _) => None,
        };
        if message.json().starts_with(b"[\"$") {
            // No event has such a name: messages between processes are not for clients.
            let is_close = message.json().starts_with(CLOSE);
            if is_close && !room.is_some_and(|room| self.must_wait(room, message)) {
                self.close_selected(message);
            }
            return;
        }
        match (room, message.only) {
            (Some(room), _) => {
                self.rooms().with_room(room, |room| self.deliver_to_room(room, message));
            }
            (None, Some(id)) => self.deliver_to_socket(id, message),
            (None, None) => {}
        }
    }

    fn gap(&self, channel: Channel<'_>, messages: Option<u64>) {
        let room = match channel.scope {
            Scope::Room(name) => name,
            Scope::All | Scope::Node(_) => EVERYONE,
        };
        let has_log = self.has_history() && !matches!(channel.scope, Scope::Node(_));
        if has_log {
            self.rooms().with_room(room, |room| {
                let _members = room.members();
                let begins = room.place().doubt();
                if begins {
                    self.begin_repair(room);
                }
            });
            // The log says nothing about what it does not keep.
            if self.classes().keeps_all_reliable() {
                return;
            }
        }
        self.node().meters().gaps.increment(1);
        observe::warning!(?channel, messages, "messages from other processes may be missing");
        let mut frame = None;
        // Clients learn room names only where rooms have a history.
        let name = if self.has_history() { wire_name(room) } else { None };
        for member in self.members_of(room).iter().filter(|member| member.profile.is_v1()) {
            let frame = frame
                .get_or_insert_with(|| Frame::new(frames::gap(name, "broker", messages, None)));
            self.push(member, frame);
        }
    }
}

impl Hub {
    /// Whether a close waits behind the messages that a repair of its room still delivers.
    fn must_wait(&self, room: &str, message: &Publication<'_>) -> bool {
        let waits = |room: &Arc<Room>| {
            let members = room.members();
            if !room.place().is_repairing() {
                return false;
            }
            let arrival = room.place().arrive(message, self.bounds().queue);
            if let Arrival::Dropped(lost @ 2..) = arrival {
                // One of them is the close, which does not wait.
                self.report_dropped(room, &members, lost - 1);
            }
            arrival == Arrival::Waits
        };
        self.has_history() && self.rooms().with_room(room, waits).unwrap_or_default()
    }
}
