//! What is read from a room's history.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;

use super::position::Position;
use crate::broker::publication::{Channel, Publication};
use crate::socket_id::SocketId;

/// A message as its room's log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the room.
    pub offset: u64,
    /// When it was published, in milliseconds since 1970.
    pub at_millis: u64,
    /// `["event",data]`.
    pub json: Bytes,
    /// Connections that do not get it.
    pub except: Vec<SocketId>,
    /// Rooms whose members do not get it.
    pub except_rooms: Vec<Cow<'static, str>>,
}

impl Entry {
    /// The entry as a message on its way; `scratch` keeps the bytes, and `top` is of its page.
    pub fn message<'a>(
        &'a self,
        channel: Channel<'a>,
        top: Position,
        scratch: &'a mut Vec<u8>,
    ) -> Publication<'a> {
        let mut message = Publication::new(channel, &self.json, scratch);
        message.except = &self.except;
        message.except_rooms = &self.except_rooms;
        message.position = Some(Position::new(top.epoch(), self.offset));
        message
    }
}

/// A part of a log, and where the log ended at the same moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The end of the log.
    pub top: Position,
    /// The entries, the oldest first.
    pub entries: Vec<Entry>,
    /// There are more entries in the direction of reading.
    pub more: bool,
    /// The entries do not continue where the reader was: what is missing was not kept.
    pub gap: Option<GapReason>,
}

/// Why a log does not continue where a reader was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GapReason {
    /// Messages after the reader's position are not kept any more.
    Expired,
    /// The log began another epoch, or lost its end.
    Reset,
}

/// How long a page may be. It has at least one entry, if there is any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit {
    /// At most so many entries.
    pub items: usize,
    /// JSON of at most so many bytes.
    pub bytes: usize,
}

impl PageLimit {
    /// Whether another entry of so many bytes fits onto a page that has `items` and `bytes`.
    pub(crate) fn has_room(self, items: usize, bytes: usize, more: usize) -> bool {
        items == 0 || (items < self.items && bytes.saturating_add(more) <= self.bytes)
    }
}
