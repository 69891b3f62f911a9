//! Messages: whom they are for, and where they are delivered.

use std::borrow::Cow;

use crate::frame::{self, HEADROOM, Opcode};
use crate::history::position::Position;
use crate::socket_id::SocketId;

/// An address between processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Channel<'a> {
    /// The procedure, as `post/chat`. Rooms of two procedures never meet.
    pub procedure: &'a str,
    /// Whom of it.
    pub scope: Scope<'a>,
}

/// Whom of a procedure a channel reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope<'a> {
    /// Everyone.
    All,
    /// The members of a room: any UTF-8 text of 1 to 200 bytes without control characters. It
    /// is data; a broker must encode it so that it can never be part of a pattern or command.
    Room(&'a str),
    /// The connections of one process.
    Node(u64),
}

/// A message on its way between processes: an event as text, and whom it is for.
///
/// [`json`](Self::json) and the public fields are what a broker carries; the receiving process builds
/// the same publication with [`new`](Self::new) and gives it to the [`Sink`].
#[derive(Clone, Copy, Debug)]
pub struct Publication<'a> {
    /// Where it goes.
    pub channel: Channel<'a>,
    /// For [`Scope::Node`]: the one connection it is for.
    pub only: Option<SocketId>,
    /// Connections that do not get it.
    pub except: &'a [SocketId],
    /// Rooms whose members do not get it.
    pub except_rooms: &'a [Cow<'a, str>],
    /// Where it is in its room's history, once it has a place there.
    pub position: Option<Position>,
    /// A text frame, header and JSON.
    frame: &'a [u8],
    json_at: usize,
}

impl<'a> Publication<'a> {
    /// A message around the JSON text that follows [`HEADROOM`] free bytes in `buffer`.
    pub(crate) fn framed(channel: Channel<'a>, buffer: &'a mut [u8]) -> Self {
        let start = frame::write_header(buffer, Opcode::Text, false);
        let (frame, json_at) = (&buffer[start..], HEADROOM - start);
        Self { channel, only: None, except: &[], except_rooms: &[], position: None, frame, json_at }
    }

    /// A message around the text `["event",data]`, which was checked where it was published;
    /// `scratch` keeps the bytes.
    pub fn new(channel: Channel<'a>, json: &[u8], scratch: &'a mut Vec<u8>) -> Self {
        scratch.clear();
        scratch.resize(HEADROOM, 0);
        scratch.extend_from_slice(json);
        Self::framed(channel, scratch)
    }

    /// The text `["event",data]`.
    pub fn json(&self) -> &'a [u8] {
        &self.frame[self.json_at..]
    }

    pub(crate) fn frame(&self) -> &'a [u8] {
        self.frame
    }
}

/// Where a broker delivers.
pub trait Sink: Send + Sync {
    /// Puts the message on the queue of each local member of its channel. It never waits.
    fn deliver(&self, message: &Publication<'_>);

    /// Notes that messages of the channel may have been lost on the way here: at least
    /// `messages`, if the number is known.
    fn gap(&self, channel: Channel<'_>, messages: Option<u64>);
}
