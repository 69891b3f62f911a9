//! Pages: parts of a room's history.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Serialize;

use super::position::Position;
use crate::broker::publication::{Channel, Publication};
use crate::socket_id::SocketId;

/// A message in the log of its room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the room, from 1.
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
    /// The entry as a publication. `scratch` is a buffer for the bytes; `top` is that of the entry's page.
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

/// A part of a log, and the end of the log at the same moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The end of the log.
    pub top: Position,
    /// The entries, the oldest first. An offset that is missing between them, or before the end of
    /// the log where there are no more, is that of an entry that cannot be read.
    pub entries: Vec<Entry>,
    /// Whether there are more entries in the direction of reading.
    pub more: bool,
    /// Set if the entries do not continue at the reader's position: entries between are lost.
    pub gap: Option<GapReason>,
}

impl Page {
    /// Whether the page has everything that came after a position: nothing is missing, neither at
    /// its beginning nor between its entries.
    pub(crate) fn is_whole(&self, after: Position) -> bool {
        let offsets = || self.entries.iter().map(|entry| entry.offset);
        let follows = |(offset, expected): (u64, u64)| offset == expected;
        let end = offsets().next_back().unwrap_or(after.offset());
        self.gap.is_none()
            && offsets().zip(after.offset().saturating_add(1)..).all(follows)
            && (self.more || end == self.top.offset())
    }
}

/// Why a log does not continue at a reader's position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum GapReason {
    /// Messages after the reader's position are not kept any more.
    Expired,
    /// The log began another epoch, or lost its end.
    Reset,
}

/// The longest page. A page has at least one entry if there is any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit {
    /// The most entries.
    pub items: usize,
    /// The most bytes of JSON.
    pub bytes: usize,
}

impl PageLimit {
    /// Whether another entry of so many bytes fits onto a page that has `items` and `bytes`.
    pub(crate) fn has_room(self, items: usize, bytes: usize, more: usize) -> bool {
        items == 0 || (items < self.items && bytes.saturating_add(more) <= self.bytes)
    }
}
