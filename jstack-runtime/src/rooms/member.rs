//! One connection as rooms see it.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Waker;

use futures_util::task::AtomicWaker;

use super::presence::Personal;
use super::questions::Questions;
use super::room::Room;
use crate::close_reason::{CloseReason, ClosedBy};
use crate::frame;
use crate::history::Position;
use crate::outbound::{Outbound, Pushed, Writable, WriteFailure};
use crate::protocol::profile::Profile;
use crate::rate::{Count, Rate};
use crate::socket_id::SocketId;
use crate::sync::Mutex;

/// One connection: its queue, its rooms, its end.
pub(crate) struct Member {
    pub(crate) id: SocketId,
    /// The client's window as a power of two, if frames may go out compressed.
    pub(crate) deflate: Option<u8>,
    pub(crate) profile: Profile,
    out: Outbound,
    pub(super) rooms: Mutex<Rooms>,
    /// The task that reads, to be woken when the connection ends.
    reader: AtomicWaker,
    ending: OnceLock<CloseReason>,
    pub(crate) life: Life,
    /// Reads of the history that are under way.
    pub(super) reading: AtomicU8,
    /// The questions that wait for this client's answer; created with the first one.
    questions: OnceLock<Box<Questions>>,
    /// Its part in presence; made with the first room of a procedure that has it.
    personal: OnceLock<Box<Mutex<Personal>>>,
}

/// The rooms of one connection.
#[derive(Default)]
pub(super) struct Rooms {
    pub(super) list: Vec<Membership>,
    pub(super) joins: Count,
    /// Set when the connection has left for good; it cannot join again.
    pub(super) closed: bool,
}

/// A slot in a room.
pub(super) struct Membership {
    pub(super) room: Arc<Room>,
    pub(super) slot: usize,
    /// The last offset of the room's history that the client knows.
    pub(super) reported: u64,
}

/// Signs of life, in milliseconds since the process started counting.
#[derive(Default)]
pub(crate) struct Life {
    /// When bytes last arrived.
    pub(crate) seen: AtomicU64,
    /// When a ping was last sent.
    pub(crate) pinged: AtomicU64,
    /// Whether the reader waits for bytes: a connection whose handler is busy is not dead.
    pub(crate) listening: AtomicBool,
    /// When the client's credentials end; 0 means never.
    pub(crate) expires: AtomicU64,
    /// How many frames had been sent at the last look, and since when none was.
    pub(crate) sent: AtomicU32,
    pub(crate) quiet_since: AtomicU64,
}

impl Writable for Member {
    fn out(&self) -> &Outbound {
        &self.out
    }

    fn cut_off(&self, failure: WriteFailure) {
        // The reason before its effect: the reading task finds the end of the stream next.
        self.end(match failure {
            WriteFailure::Lost => LOST,
            WriteFailure::TimedOut => STALLED,
        });
        self.out.kill();
    }
}

const LOST: CloseReason = CloseReason::fixed(ClosedBy::Lost, 1006, "");

/// No frame says so, as nothing is read; `#[disconnect]` and the metrics do.
const STALLED: CloseReason =
    CloseReason::fixed(ClosedBy::Limit, 1013, "you took nothing for `write_timeout`");

impl Member {
    /// `now` is when its first bytes arrived, in the process' milliseconds.
    pub(super) fn new(id: SocketId, deflate: Option<u8>, profile: Profile, now: u64) -> Self {
        Self {
            id,
            deflate,
            profile,
            out: Outbound::new(),
            rooms: Mutex::default(),
            reader: AtomicWaker::new(),
            ending: OnceLock::new(),
            life: Life { seen: now.into(), quiet_since: now.into(), ..Life::default() },
            reading: AtomicU8::new(0),
            questions: OnceLock::new(),
            personal: OnceLock::new(),
        }
    }

    pub(crate) fn out(&self) -> &Outbound {
        &self.out
    }

    /// The names of its rooms, in no particular order.
    pub(crate) fn room_names(&self) -> Vec<String> {
        let rooms = self.rooms.lock();
        rooms
            .list
            .iter()
            .filter(|m| !m.room.is_everyone())
            .map(|m| m.room.name().to_owned())
            .collect()
    }

    /// The rooms whose position has changed since the last call, with their positions.
    pub(super) fn moved_rooms(&self) -> Vec<(Box<str>, Position)> {
        // Positions are read first: a room's lock comes before a member's.
        let rooms: Vec<_> = self.rooms.lock().list.iter().map(|m| m.room.clone()).collect();
        let positions: Vec<_> = rooms.iter().map(|room| (room, room.position())).collect();
        let mut memberships = self.rooms.lock();
        let mut moved = Vec::new();
        for (room, position) in positions {
            let found = memberships.list.iter_mut().find(|m| Arc::ptr_eq(&m.room, room));
            if let (Some(membership), Some(position)) = (found, position)
                && membership.reported != position.offset()
            {
                membership.reported = position.offset();
                moved.push((room.name().into(), position));
            }
        }
        moved
    }

    pub(super) fn is_in(&self, name: &str) -> bool {
        self.rooms.lock().list.iter().any(|membership| membership.room.name() == name)
    }

    /// Counts a join and says whether it may pass.
    pub(super) fn may_join(&self, rate: Rate, now: u64, most: usize) -> Result<(), JoinRefused> {
        let mut rooms = self.rooms.lock();
        // One of them is the room of everyone.
        if rooms.list.len() > most {
            return Err(JoinRefused::TooMany);
        }
        if rooms.joins.try_acquire(rate, now) { Ok(()) } else { Err(JoinRefused::TooFast) }
    }

    /// The reason why the connection ends, once it does.
    pub(crate) fn ending(&self) -> Option<&CloseReason> {
        self.ending.get()
    }

    /// Sets the reason why the connection ends, unless there is one, and wakes the reading task.
    pub(crate) fn end(&self, reason: CloseReason) -> bool {
        let first = self.ending.set(reason).is_ok();
        if let Some(questions) = self.questions.get() {
            questions.end();
        }
        self.reader.wake();
        first
    }

    /// Ends the connection with a close frame, which goes out after what waits already.
    ///
    /// The frame is queued before the end can be seen: the reading task finishes as soon as it
    /// sees the end, and ends the stream behind what is queued by then.
    pub(crate) fn close(&self, reason: CloseReason) -> Option<Pushed> {
        if self.ending.get().is_some() {
            return None;
        }
        let closing = frame::close(reason.code(), reason.reason());
        // `None`: another close came first, and its reason is the one that counts.
        let pushed = self.out.close(&closing)?;
        self.end(reason);
        Some(pushed)
    }

    /// The questions that wait for this client's answers.
    pub(super) fn questions(&self) -> &Questions {
        self.questions.get_or_init(Box::default)
    }

    /// The questions, if there ever was one.
    pub(super) fn asked(&self) -> Option<&Questions> {
        self.questions.get().map(|questions| &**questions)
    }

    /// Its part in presence.
    pub(super) fn personal(&self) -> &Mutex<Personal> {
        self.personal.get_or_init(Box::default)
    }

    pub(crate) fn wake_on_end(&self, waker: &Waker) {
        self.reader.register(waker);
    }

    pub(crate) fn heard(&self, millis: u64) {
        self.life.listening.store(false, Ordering::Relaxed);
        self.life.seen.store(millis, Ordering::Relaxed);
    }
}

/// The error of a refused join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JoinRefused {
    TooMany,
    TooFast,
}
