//! Whom an emit reaches.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use serde::{Deserialize, Serialize};
#[cfg(feature = "redis")]
use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::events::Event;

/// Names one connection, in every process that shares the broker.
///
/// It reads as 32 hexadecimal digits, and says nothing about the connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId {
    /// Drawn at random once a process.
    pub(crate) node: u64,
    /// Counts within the process; scrambled, so that nobody can count along.
    pub(crate) local: u64,
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.node, self.local)
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SocketId({self})")
    }
}

impl std::str::FromStr for SocketId {
    type Err = ParseSocketIdError;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let half = |range| {
            text.get(range)
                .filter(|half: &&str| half.bytes().all(|b| b.is_ascii_hexdigit()))
                .and_then(|half| u64::from_str_radix(half, 16).ok())
        };
        match (text.len(), half(0..16), half(16..32)) {
            (32, Some(node), Some(local)) => Ok(Self { node, local }),
            _ => Err(ParseSocketIdError),
        }
    }
}

/// The text is no [`SocketId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseSocketIdError;

impl fmt::Display for ParseSocketIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a socket id is 32 hexadecimal digits")
    }
}

impl std::error::Error for ParseSocketIdError {}

impl Serialize for SocketId {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SocketId {
    fn deserialize<D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for SocketId {
    fn schema_name() -> Cow<'static, str> {
        "SocketId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-f]{32}$" })
    }
}

impl crate::payload::Payload for SocketId {}

/// A selection of connections: a value of its own, which the emit consumes, so that two emits
/// in flight can never mix up their rooms.
///
/// Typed emitters wrap one; its methods are theirs.
#[must_use = "a target does nothing until an event is emitted to it"]
pub struct Target<'a> {
    publisher: &'a dyn Publisher,
    pub(crate) to: To<'a>,
    pub(crate) except: Option<Box<Except<'a>>>,
}

/// Who is selected before the exceptions.
pub(crate) enum To<'a> {
    /// Everyone on the procedure.
    All,
    /// The members of one room.
    Room(Cow<'a, str>),
    /// The members of any of several rooms.
    Rooms(Vec<Cow<'a, str>>),
    /// One connection.
    Socket(SocketId),
}

/// Who is left out.
#[derive(Default)]
pub(crate) struct Except<'a> {
    pub(crate) sockets: Vec<SocketId>,
    pub(crate) rooms: Vec<Cow<'a, str>>,
}

impl<'a> Target<'a> {
    pub(crate) fn new(publisher: &'a dyn Publisher, to: To<'a>) -> Self {
        Self { publisher, to, except: None }
    }

    /// Adds the members of `room`. A connection in two targeted rooms gets the message once.
    pub fn to(mut self, room: impl Into<Cow<'a, str>>) -> Self {
        let room = room.into();
        self.to = match self.to {
            To::All | To::Socket(_) => To::Room(room),
            To::Room(first) => To::Rooms(vec![first, room]),
            To::Rooms(mut rooms) => {
                rooms.push(room);
                To::Rooms(rooms)
            }
        };
        self
    }

    /// Leaves one connection out.
    pub fn except(mut self, socket: impl AsRef<SocketId>) -> Self {
        self.except.get_or_insert_default().sockets.push(*socket.as_ref());
        self
    }

    /// Leaves the members of `room` out.
    pub fn except_room(mut self, room: impl Into<Cow<'a, str>>) -> Self {
        self.except.get_or_insert_default().rooms.push(room.into());
        self
    }

    /// Checks `payload`, writes it once and hands it to the broker.
    ///
    /// `Ok` means that the broker took it; it never waits for a slow reader. Fails if the
    /// payload breaks its rules, if a room's name is none, and if the broker cannot take it.
    pub fn send<T, E, B: ?Sized>(self, event: &Event<T, E, B>, payload: &B) -> Sending {
        let mut buffer = Buffer::take();
        let encoded = event.encode(payload, &mut buffer.bytes);
        self.publish(buffer, encoded)
    }

    fn publish(self, mut buffer: Buffer, encoded: Result) -> Sending {
        Sending(match encoded {
            Ok(()) => self.publisher.publish(&self, &mut buffer.bytes),
            Err(error) => Published::Done(Err(error)),
        })
    }
}

/// What becomes of an emit. It has begun already; this waits for the broker's word.
///
/// It has one type for all events, so that waiting for it is compiled once.
#[must_use = "an emit may fail; `.await` it"]
pub struct Sending(Published);

impl Future for Sending {
    type Output = Result;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").finish_non_exhaustive()
    }
}

impl AsRef<SocketId> for SocketId {
    fn as_ref(&self) -> &SocketId {
        self
    }
}

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").finish_non_exhaustive()
    }
}

/// The way out, as the floors above provide it.
pub(crate) trait Publisher: Send + Sync {
    /// Publishes the JSON text that follows the first [`HEADROOM`] bytes of `frame`.
    fn publish(&self, target: &Target<'_>, frame: &mut Vec<u8>) -> Published;
}

/// What became of a publish: most brokers know at once.
pub(crate) enum Published {
    /// Taken or refused.
    Done(Result),
    /// The broker is asked over the network, and tells.
    #[cfg(feature = "redis")]
    Told(Told),
    /// The broker is asked over the network.
    Wait(Pin<Box<dyn Future<Output = Result> + Send>>),
}

/// What a broker of our own tells: an allocation less than any other future.
#[cfg(feature = "redis")]
pub(crate) struct Told {
    pub(crate) outcome: oneshot::Receiver<Result>,
    /// The error if it tells nothing.
    pub(crate) gone: fn() -> Error,
}

impl Future for Published {
    type Output = Result;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result> {
        match self.get_mut() {
            Self::Done(result) => Poll::Ready(std::mem::replace(result, Ok(()))),
            #[cfg(feature = "redis")]
            Self::Told(told) => Pin::new(&mut told.outcome)
                .poll(cx)
                .map(|outcome| outcome.unwrap_or_else(|_| Err((told.gone)()))),
            Self::Wait(wait) => wait.as_mut().poll(cx),
        }
    }
}

impl From<Error> for Published {
    fn from(error: Error) -> Self {
        Self::Done(Err(error))
    }
}

/// Bytes left free before the JSON text, for the header of the frame around it.
pub(crate) const HEADROOM: usize = 10;

/// A thread's buffer for what is being emitted, so that an emit allocates nothing. It is taken
/// out while in use: a payload that emits while it is being written finds another one.
struct Buffer {
    bytes: Vec<u8>,
}

/// A buffer that grew beyond this for one large message is given back to the allocator.
const KEEP: usize = 64 * 1024;

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Buffer {
    fn take() -> Self {
        let mut bytes = SPARE.take();
        bytes.clear();
        bytes.resize(HEADROOM, 0);
        Self { bytes }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if self.bytes.capacity() <= KEEP {
            SPARE.set(std::mem::take(&mut self.bytes));
        }
    }
}
