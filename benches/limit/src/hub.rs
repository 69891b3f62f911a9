//! Rooms, their members, and the flusher that writes for all of them.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::io::ErrorKind;
use std::rc::Rc;

use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::Notify;

use crate::frame::TextFrame;
use crate::redis::Link;

/// Output buffers above this are given back once they are empty.
const KEEP: usize = 8 * 1024;

/// The writing side of a connection.
pub(crate) struct Writer {
    half: OwnedWriteHalf,
    out: RefCell<Vec<u8>>,
    /// On the flusher's list already.
    dirty: Cell<bool>,
    /// A task of its own waits until the kernel takes more.
    blocked: Cell<bool>,
    /// Its index in the list of its room.
    slot: Cell<usize>,
}

impl Writer {
    pub(crate) fn new(half: OwnedWriteHalf) -> Rc<Self> {
        let (out, dirty) = (RefCell::default(), Cell::new(false));
        Rc::new(Self { half, out, dirty, blocked: Cell::new(false), slot: Cell::new(0) })
    }

    /// Writes what there is; false when some of it is left.
    fn flush(&self) -> bool {
        let mut out = self.out.borrow_mut();
        match self.half.try_write(&out) {
            Ok(written) if written < out.len() => {
                out.drain(..written);
                return false;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            // Written, or nobody left to write to: the reader sees the end and leaves.
            Ok(_) | Err(_) => {}
        }
        if out.capacity() > KEEP {
            *out = Vec::new();
        } else {
            out.clear();
        }
        true
    }

    async fn flush_when_writable(self: Rc<Self>) {
        while self.half.writable().await.is_ok() {
            if self.flush() {
                break;
            }
        }
        self.blocked.set(false);
    }
}

/// A room and who is in it.
#[derive(Default)]
pub(crate) struct Room {
    pub(crate) name: String,
    members: RefCell<Vec<Rc<Writer>>>,
}

impl Room {
    pub(crate) fn join(&self, writer: Rc<Writer>) {
        let mut members = self.members.borrow_mut();
        writer.slot.set(members.len());
        members.push(writer);
    }

    pub(crate) fn leave(&self, writer: &Writer) {
        let mut members = self.members.borrow_mut();
        let slot = writer.slot.get();
        members.swap_remove(slot);
        if let Some(moved) = members.get(slot) {
            moved.slot.set(slot);
        }
    }
}

/// Everything the process knows.
#[derive(Default)]
pub(crate) struct Hub {
    rooms: RefCell<HashMap<String, Rc<Room>>>,
    dirty: RefCell<Vec<Rc<Writer>>>,
    wake: Notify,
    /// One for all connections: nobody awaits while it is in use.
    pub(crate) input: RefCell<Vec<u8>>,
    pub(crate) frame: RefCell<TextFrame>,
    pub(crate) link: OnceCell<Link>,
}

impl Hub {
    /// The room of this name, made and subscribed to where it is new.
    pub(crate) fn room(&self, name: &str) -> Rc<Room> {
        if let Some(room) = self.rooms.borrow().get(name) {
            return room.clone();
        }
        if let Some(link) = self.link.get() {
            link.subscribe(self, name);
        }
        let room = Rc::new(Room { name: name.to_owned(), ..Room::default() });
        self.rooms.borrow_mut().insert(name.to_owned(), room.clone());
        room
    }

    /// The room of this name, if somebody here ever joined it.
    pub(crate) fn known(&self, name: &[u8]) -> Option<Rc<Room>> {
        self.rooms.borrow().get(str::from_utf8(name).ok()?).cloned()
    }

    /// Appends to the output of every member.
    pub(crate) fn broadcast(&self, room: &Room, bytes: &[u8]) {
        let mut dirty = self.dirty.borrow_mut();
        for member in &*room.members.borrow() {
            member.out.borrow_mut().extend_from_slice(bytes);
            if !member.dirty.replace(true) {
                dirty.push(member.clone());
            }
        }
    }

    /// Appends to the output of one connection.
    pub(crate) fn send(&self, writer: &Rc<Writer>, bytes: &[u8]) {
        writer.out.borrow_mut().extend_from_slice(bytes);
        if !writer.dirty.replace(true) {
            self.dirty.borrow_mut().push(writer.clone());
        }
    }

    /// Lets the flusher run at the end of this turn, if there is anything for it.
    pub(crate) fn end_of_read(&self) {
        if !self.dirty.borrow().is_empty() {
            self.wake.notify_one();
        }
    }

    /// Writes once for each connection that has something to say, turn after turn.
    pub(crate) async fn flusher(self: Rc<Self>) {
        let mut batch = Vec::new();
        loop {
            self.wake.notified().await;
            std::mem::swap(&mut batch, &mut *self.dirty.borrow_mut());
            for writer in batch.drain(..) {
                writer.dirty.set(false);
                if !writer.blocked.get() && !writer.flush() {
                    writer.blocked.set(true);
                    tokio::task::spawn_local(writer.flush_when_writable());
                }
            }
        }
    }
}
