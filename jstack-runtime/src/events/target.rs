//! The target of an emit: which connections it selects.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use crate::broker::PublishOutcome;
use crate::error::{Error, Result};
use crate::frame::HEADROOM;
use crate::platform;
use crate::socket_id::SocketId;

/// A selection of connections. The emit consumes it, so that two emits in flight can never mix up
/// their rooms.
///
/// Typed emitters wrap one; its methods are theirs.
#[must_use = "a target does nothing until an event is emitted to it"]
pub struct Target<'a> {
    publisher: &'a dyn EventPublisher,
    pub(crate) to: To<'a>,
    pub(crate) except: Option<Box<Except<'a>>>,
}

/// The selected connections, before exceptions.
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

/// The exceptions.
#[derive(Default)]
pub(crate) struct Except<'a> {
    pub(crate) sockets: Vec<SocketId>,
    pub(crate) rooms: Vec<Cow<'a, str>>,
}

impl<'a> Target<'a> {
    pub(crate) fn new(publisher: &'a dyn EventPublisher, to: To<'a>) -> Self {
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

    /// Closes every connection that the target selects, in every process. Their queues are sent first,
    /// then a close frame with `code` and `reason`.
    ///
    /// Applications use 1000 and 3000 to 4999. 4400 to 4499 mean the HTTP status 400 to 499. After
    /// them, clients of the profile `v1` do not reconnect, except after 4408 and 4429. `Ok` means
    /// that the broker took it.
    pub fn close(self, code: u16, reason: impl Into<Cow<'a, str>>) -> EmitFuture {
        let reason = reason.into();
        EmitFuture(self.publisher.close(&self, code, &reason))
    }

    /// Publishes what was encoded into `buffer`, or reports why it could not be encoded.
    pub(super) fn publish(self, mut buffer: Buffer, encoded: Result) -> EmitFuture {
        EmitFuture(match encoded {
            Ok(()) => self.publisher.publish(&self, &mut buffer.bytes),
            Err(error) => PublishOutcome::Done(Err(self.publisher.unencoded(error))),
        })
    }
}

/// The outcome of an emit, from an emitter's methods.
///
/// The emit has begun already; `.await` waits until the broker has taken it. Dropping the future does not
/// undo the emit. After many emits in a row it yields to other tasks, as tokio's own types do.
///
/// ```
#[doc = include_str!("../docs/in_chat.md")]
/// let (general, news) = tokio::join!(io.to("general").message("hi"), io.to("news").message("hi"));
/// general.and(news)?;
/// # Ok(()) } fn main() {}
/// ```
#[must_use = "an emit may fail; `.await` it"]
pub struct EmitFuture(PublishOutcome);

impl EmitFuture {
    pub(super) fn done(result: Result) -> Self {
        Self(PublishOutcome::Done(result))
    }
}

impl Future for EmitFuture {
    type Output = Result;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result> {
        // Most emits are done by now. Without a budget a handler that does nothing but emit would never
        // yield, and nothing else would run on its worker.
        let budget = ready!(platform::poll_proceed(cx));
        let polled = Pin::new(&mut self.0).poll(cx);
        if polled.is_ready() {
            budget.made_progress();
        }
        polled
    }
}

impl fmt::Debug for EmitFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmitFuture").finish_non_exhaustive()
    }
}

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target").finish_non_exhaustive()
    }
}

/// Implemented by the hub: publishes an encoded event.
pub(crate) trait EventPublisher: Send + Sync {
    /// Publishes the JSON text that follows the first [`HEADROOM`] bytes of `frame`.
    fn publish(&self, target: &Target<'_>, frame: &mut Vec<u8>) -> PublishOutcome;

    /// The error for the caller whose payload breaks its rules.
    fn unencoded(&self, error: Error) -> Error {
        error
    }

    /// Closes the connections that the target selects.
    fn close(&self, target: &Target<'_>, code: u16, reason: &str) -> PublishOutcome;
}

/// A thread's buffer for an emit, so that an emit does not allocate. It is taken out while in use: a
/// payload that emits while it is being written gets another one.
pub(super) struct Buffer {
    pub(super) bytes: Vec<u8>,
}

/// A buffer that grew beyond this for one large message is given back to the allocator.
const KEEP: usize = 64 * 1024;

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

impl Buffer {
    pub(super) fn take() -> Self {
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
