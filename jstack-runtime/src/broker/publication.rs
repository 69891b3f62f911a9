//! Publications: messages on their way, their addressees, and where they are delivered.

use std::borrow::Cow;

use crate::frame::{self, HEADROOM, Opcode};
use crate::history::position::Position;
use crate::socket_id::SocketId;

/// The address of a message between processes: a procedure, and which of its connections.
///
/// ```
/// use jstack_runtime::broker::{Channel, Scope};
///
/// let general = Channel { procedure: "post/chat", scope: Scope::Room("general") };
/// assert_ne!(general, Channel { procedure: "post/chat", scope: Scope::All });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Channel<'a> {
    /// The procedure, as `post/chat`. Rooms of two procedures are separate, even with one name.
    pub procedure: &'a str,
    /// Which of its connections.
    pub scope: Scope<'a>,
}

/// The connections of a procedure that a channel reaches.
///
/// ```
/// use jstack_runtime::broker::Scope;
///
/// /// The name of a channel in some message queue.
/// fn name(procedure: &str, scope: Scope<'_>) -> String {
///     match scope {
///         Scope::All => format!("{procedure}:all"),
///         // A room's name is any text, so it is encoded.
///         Scope::Room(room) => format!("{procedure}:room:{}", room.escape_default()),
///         Scope::Node(node) => format!("{procedure}:node:{node:016x}"),
///         _ => unreachable!("a newer version knows more"),
///     }
/// }
/// assert_eq!(name("post/chat", Scope::Node(255)), "post/chat:node:00000000000000ff");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope<'a> {
    /// Everyone.
    All,
    /// The members of a room. Its name is any UTF-8 text of 1 to 200 bytes without control characters. A
    /// broker must encode it, so that it can never be part of a pattern or command.
    Room(&'a str),
    /// The connections of one process.
    Node(u64),
}

/// A message on its way between processes: an event as text, and its addressees.
///
/// [`json`](Self::json) and the public fields are what a broker carries. The receiving process builds the
/// same publication with [`new`](Self::new) and gives it to the [`Sink`].
///
/// ```
/// use jstack_runtime::broker::{Channel, Publication, Scope, Sink};
///
/// fn received(channel: Channel<'_>, json: &[u8], sink: &dyn Sink) {
///     let mut scratch = Vec::new();
///     sink.deliver(&Publication::new(channel, json, &mut scratch));
/// }
/// ```
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
    /// Its position in the history of its room, if the room has a history.
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

    /// A publication of the text `["event",data]`, which was checked where it was published.
    ///
    /// `scratch` is a buffer for the bytes; it may be reused afterwards.
    pub fn new(channel: Channel<'a>, json: &[u8], scratch: &'a mut Vec<u8>) -> Self {
        scratch.clear();
        scratch.resize(HEADROOM, 0);
        scratch.extend_from_slice(json);
        Self::framed(channel, scratch)
    }

    /// The text `["event",data]`, as UTF-8.
    pub fn json(&self) -> &'a [u8] {
        &self.frame[self.json_at..]
    }

    pub(crate) fn frame(&self) -> &'a [u8] {
        self.frame
    }
}

/// Delivers publications to the local members of a procedure. The runtime implements it, and hands it to
/// [`Broker::subscribe`](super::Broker::subscribe).
pub trait Sink: Send + Sync {
    /// Puts the message on the queue of each local member of its channel. It never waits.
    fn deliver(&self, message: &Publication<'_>);

    /// Reports that messages of the channel may have been lost: at least `messages`, if the number is
    /// known.
    fn gap(&self, channel: Channel<'_>, messages: Option<u64>);
}
