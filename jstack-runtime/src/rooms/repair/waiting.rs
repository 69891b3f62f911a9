//! What waits while the log of a room is read.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::broker::Publication;
use crate::history::{Epoch, Position};
use crate::outbound::QueueLimits;
use crate::protocol::close::CLOSE;
use crate::socket_id::SocketId;

/// Closes that still wait when everything else that waits is dropped.
const MOST_CLOSES: usize = 16;

/// What a room does with a message that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rooms) enum Arrival {
    /// It is delivered now.
    Next,
    /// It was delivered already.
    Repeated,
    /// It waits for the repair that is under way.
    Waits,
    /// It waits, and a repair must begin.
    Begins,
    /// There was no room for it. So many messages that the log does not have were dropped.
    Dropped(u64),
}

/// What waits while the log is read.
#[derive(Debug, Default)]
pub(super) struct Repair {
    pub(super) waiting: VecDeque<Item>,
    pub(super) messages: usize,
    pub(super) bytes: usize,
    /// How many of the items had come before the latest read began: that read has what they miss, or
    /// nobody has it.
    pub(super) before_read: usize,
}

#[derive(Debug)]
pub(super) enum Item {
    Message(Waiting),
    /// Here messages may be missing.
    Doubt,
}

/// A message that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rooms) struct Waiting {
    pub(in crate::rooms) position: Option<Position>,
    pub(in crate::rooms) json: Box<[u8]>,
    pub(in crate::rooms) except: Box<[SocketId]>,
    pub(in crate::rooms) except_rooms: Box<[Cow<'static, str>]>,
}

impl Waiting {
    pub(in crate::rooms) fn new(message: &Publication<'_>) -> Self {
        let owned = |room: &Cow<'_, str>| Cow::Owned(room.clone().into_owned());
        Self {
            position: message.position,
            json: message.json().into(),
            except: message.except.into(),
            except_rooms: message.except_rooms.iter().map(owned).collect(),
        }
    }
}

impl Repair {
    /// Takes a message, within half of `limits`.
    pub(super) fn wait(&mut self, message: Waiting, limits: QueueLimits) -> Arrival {
        let size = message.json.len();
        if self.messages >= limits.frames / 2 || self.bytes + size > limits.bytes / 2 {
            return Arrival::Dropped(self.drop_waiting() + u64::from(message.position.is_none()));
        }
        self.messages += 1;
        self.bytes += size;
        self.waiting.push_back(Item::Message(message));
        Arrival::Waits
    }

    /// The offset of the first message that waits and has one in this epoch.
    pub(super) fn next_offset(&self, epoch: Epoch) -> u64 {
        let offset = |item: &Item| match item {
            Item::Message(Waiting { position: Some(at), .. }) if at.epoch() == epoch => {
                Some(at.offset())
            }
            _ => None,
        };
        self.waiting.iter().find_map(offset).unwrap_or(u64::MAX)
    }

    /// Drops what waits; what has a position is read from the log again. Returns how many messages
    /// that cannot be read were dropped.
    fn drop_waiting(&mut self) -> u64 {
        let mut lost = 0;
        for item in std::mem::take(self).waiting {
            let Item::Message(message) = item else { continue };
            if message.json.starts_with(CLOSE) && self.messages < MOST_CLOSES {
                self.messages += 1;
                self.bytes += message.json.len();
                self.waiting.push_back(Item::Message(message));
            } else {
                lost += u64::from(message.position.is_none());
            }
        }
        self.waiting.push_back(Item::Doubt);
        lost
    }
}
