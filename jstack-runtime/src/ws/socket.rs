//! `Socket`: one connection.

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::handlers::SocketProcedure;
use crate::broker::PublishOutcome;
use crate::close_reason::{CloseReason, ClosedBy};
use crate::error::{Error, Result};
use crate::events::Events;
use crate::events::{Publisher, Target, To};
use crate::frame::HEADROOM;
use crate::outbound::Frame;
use crate::rooms::{CLOSED, Hub, Member};
use crate::socket_id::SocketId;

/// One connection of the procedure `P`: its id, its rooms, and what goes to it alone.
///
/// It is an extractor in WebSocket handlers and a cheap clone, which may outlive the connection:
/// an emit then fails with the code `gone`. Inside a `#[procedure(ws, …)]` module, `Socket` stands for
/// that module's own.
pub struct Socket<P> {
    inner: Arc<Inner>,
    procedure: PhantomData<fn() -> P>,
}

struct Inner {
    id: SocketId,
    hub: Arc<Hub>,
    member: Arc<Member>,
}

/// The connection that a request is about to become, where extractors find it.
#[derive(Clone)]
pub(crate) struct SocketExtension {
    inner: Arc<Inner>,
    marker: TypeId,
}

impl SocketExtension {
    pub(crate) fn new(hub: Arc<Hub>, member: Arc<Member>, marker: TypeId) -> Self {
        Self { inner: Arc::new(Inner { id: member.id, hub, member }), marker }
    }

    /// The connection, if it is one of the procedure with this marker.
    fn of(parts: &Parts, marker: TypeId) -> Result<Arc<Inner>> {
        match parts.extensions.get::<Self>() {
            Some(current) if current.marker == marker => Ok(current.inner.clone()),
            _ => Err(Error::internal(
                "`Socket` was extracted outside of its own WebSocket procedure",
            )),
        }
    }
}

impl<P: SocketProcedure> Socket<P> {
    /// Names this connection, in every process that shares the broker.
    pub fn id(&self) -> SocketId {
        self.inner.id
    }

    /// Joins a room. When this returns, the subscription is live: what is emitted to the room
    /// afterwards is heard. Joining twice is joining once.
    ///
    /// Fails for a name that is none (1 to 200 bytes without control characters), beyond the
    /// limits `rooms_per_socket` and `joins_per_second`, when the broker cannot subscribe, and
    /// when the connection has closed.
    pub async fn join(&self, room: impl AsRef<str> + Send) -> Result {
        let room = room.as_ref();
        self.inner.hub.join(&self.inner.member, room).await
    }

    /// Leaves a room; leaving one that it is not in does nothing. All rooms are left on close.
    pub fn leave(&self, room: impl AsRef<str>) -> Left {
        self.inner.hub.leave(&self.inner.member, room.as_ref());
        Left(())
    }

    /// The rooms that this connection is in, in no order.
    pub fn rooms(&self) -> Vec<String> {
        self.inner.member.room_names()
    }

    /// This connection alone. What is emitted before the upgrade waits for it and goes out first.
    ///
    /// An emit fails with a 410 (code `gone`) once the connection has ended, and where it ends the
    /// connection because the client does not read.
    pub fn emit(&self) -> <P::Outgoing as Events>::Emitter<'_> {
        P::Outgoing::emitter(Target::new(&*self.inner, To::Socket(self.inner.id)))
    }

    /// Closes the connection: what waits goes out first, then a close frame with `code` and
    /// `reason`.
    ///
    /// Applications use 1000 and 3000 to 4999; a code that may not be sent makes a close without
    /// one. Of the reason, 123 bytes are sent, without control characters.
    pub fn close(&self, code: u16, reason: impl Into<String>) {
        let reason = CloseReason::new(ClosedBy::Server, code, reason.into());
        self.inner.hub.close(&self.inner.member, reason);
    }

    /// Whether the connection has closed, or is about to.
    pub fn is_closed(&self) -> bool {
        self.inner.member.ending().is_some()
    }
}

/// A room was left. It may be awaited, as [`Socket::join`] must be, and need not be.
#[derive(Clone, Copy, Debug)]
pub struct Left(());

impl std::future::IntoFuture for Left {
    type Output = Result;
    type IntoFuture = std::future::Ready<Result>;

    fn into_future(self) -> Self::IntoFuture {
        std::future::ready(Ok(()))
    }
}

/// The error for what would go to a connection that has ended.
#[cold]
fn closed() -> Error {
    Error::gone(CLOSED)
}

impl Publisher for Inner {
    fn publish(&self, target: &Target<'_>, buffer: &mut Vec<u8>) -> PublishOutcome {
        if !matches!(target.to, To::Socket(id) if id == self.id) || target.except.is_some() {
            return self.hub.publish(target, buffer);
        }
        debug_assert!(buffer.len() >= HEADROOM, "an emitter leaves room for the header");
        let start = crate::frame::write_header(buffer, crate::frame::Opcode::Text, false);
        if !self.hub.push(&self.member, &Frame::new(&buffer[start..])) {
            return closed().into();
        }
        self.hub.meters().sent.increment(1);
        PublishOutcome::Done(Ok(()))
    }
}

impl<P> AsRef<SocketId> for Socket<P> {
    fn as_ref(&self) -> &SocketId {
        &self.inner.id
    }
}

impl<P> Clone for Socket<P> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), procedure: PhantomData }
    }
}

impl<P> PartialEq for Socket<P> {
    fn eq(&self, other: &Self) -> bool {
        self.inner.id == other.inner.id
    }
}

impl<P> Eq for Socket<P> {}

impl<P> fmt::Debug for Socket<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("id", &self.inner.id).finish_non_exhaustive()
    }
}

impl<P: SocketProcedure, S: Sync> FromRequestParts<S> for Socket<P> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        match SocketExtension::of(parts, TypeId::of::<P>()) {
            Ok(inner) => Ok(Self { inner, procedure: PhantomData }),
            Err(error) => Err(error),
        }
    }
}
