//! `Socket`: one connection.

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::handlers::SocketProcedure;
use super::join::Join;
use super::presence::{PresenceProcedure, SocketPresence};
use crate::broker::PublishOutcome;
use crate::close_reason::{CloseReason, ClosedBy};
use crate::error::{Error, Result};
use crate::events::{Asked, Asker, EventPublisher, Events, Question, Target, To};
use crate::frame::HEADROOM;
use crate::outbound::Frame;
use crate::rooms::{CLOSED, Hub, Member};
use crate::socket_id::SocketId;
use crate::transport::PendingConnection;
use crate::transport::negotiation::Negotiation;

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
    negotiation: Arc<Negotiation>,
}

/// The connection that a request is about to become, where extractors find it.
#[derive(Clone)]
pub(crate) struct SocketExtension {
    inner: Arc<Inner>,
    marker: TypeId,
}

impl SocketExtension {
    pub(crate) fn new(pending: &PendingConnection, marker: TypeId) -> Self {
        let (hub, member) = (pending.hub().clone(), pending.member().clone());
        let negotiation = pending.negotiation().clone();
        Self { inner: Arc::new(Inner { id: member.id, hub, member, negotiation }), marker }
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

    /// Joins a room. When this is done, the subscription is live: what is emitted to the room
    /// afterwards is heard. Joining twice is joining once. [`Join`] says when it fails.
    pub fn join(&self, room: impl AsRef<str>) -> Join<'_> {
        Join::new(&self.inner.hub, &self.inner.member, room.as_ref())
    }

    /// Leaves a room; leaving one that it is not in does nothing. All rooms are left on close.
    pub fn leave(&self, room: impl AsRef<str>) -> Left {
        self.inner.hub.leave(&self.inner.member, room.as_ref());
        Left(())
    }

    /// What this connection says about itself in `room`, which it is in.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// # #[derive(Clone, Debug, Events)]
    /// # pub enum Chat { Away(bool) }
    /// #[procedure(ws, incoming = Chat, outgoing = Chat, presence = bool)]
    /// pub mod chat {
    ///     use super::*;
    ///
    ///     #[on(Away)]
    ///     async fn away(socket: Socket, away: bool) -> Result {
    ///         socket.presence("general").set(&away).await
    ///     }
    /// }
    /// # fn main() {}
    /// ```
    pub fn presence<'a>(&'a self, room: &'a str) -> SocketPresence<'a, P>
    where
        P: PresenceProcedure,
    {
        SocketPresence::new(&self.inner.hub, &self.inner.member, room)
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

    /// Asks this connection's client, which has 10 s to answer.
    ///
    /// The asker has a method for each event that declares `ask`. A handler may ask its own client.
    /// The question fails with the code `unsupported` at once for a client without the profile `v1`
    /// (the stock client is one), with `timeout` after the deadline, with `gone` when the connection
    /// ends, with `answer` for an answer that is not valid, and with the client's own error.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// #[derive(Clone, Debug, Events)]
    /// pub enum ToClient {
    ///     #[event(ask = bool)]
    ///     Confirm(String),
    /// }
    /// # #[derive(Clone, Debug, Events)]
    /// # pub enum ToServer { Clear(()) }
    /// #[procedure(ws, incoming = ToServer, outgoing = ToClient)]
    /// pub mod chat {
    ///     use super::*;
    ///
    ///     #[on(Clear)]
    ///     async fn clear(socket: Socket, _: ()) -> Result {
    ///         if socket.ask().confirm("Really?").await? { /* clear it */ }
    ///         Ok(())
    ///     }
    /// }
    /// # fn main() {}
    /// ```
    pub fn ask(&self) -> <P::Outgoing as Events>::Asker<'_> {
        self.ask_within(Question::WITHIN)
    }

    /// Like [`ask`](Self::ask), with another deadline.
    pub fn ask_within(&self, deadline: Duration) -> <P::Outgoing as Events>::Asker<'_> {
        P::Outgoing::asker(Question::new(&*self.inner, deadline))
    }

    /// Ends the connection's credentials after `duration`, counted from now.
    ///
    /// Call it in `#[connect]` and in `#[refresh]`: clients of the profile `v1` then learn the time
    /// and send a new token before it is over. A connection that has not renewed its credentials 25 s
    /// after their end is closed with 4401, whatever its client speaks.
    pub fn expires_in(&self, duration: Duration) {
        let now = self.inner.hub.node().nanos() / 1_000_000;
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        // Zero would mean never.
        let expires = now.saturating_add(millis).max(1);
        self.inner.member.life.expires.store(expires, Ordering::Relaxed);
    }

    /// The subprotocols that the client offers, in its order.
    pub fn subprotocols(&self) -> &[String] {
        self.inner.negotiation.offered()
    }

    /// Selects one of the client's subprotocols for the answer to the handshake. Without it none is
    /// selected, and browsers close a connection for which they offered some.
    ///
    /// It has an effect in `#[connect]` and in extractors, which run before the answer. Fails for a
    /// name that the client does not offer, and where another one is selected already: clients of
    /// the profile `v1` have `jstack.v1`.
    pub fn select(&self, subprotocol: &str) -> Result {
        self.inner.negotiation.select(subprotocol)
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

impl EventPublisher for Inner {
    fn publish(&self, target: &Target<'_>, buffer: &mut Vec<u8>) -> PublishOutcome {
        if !matches!(target.to, To::Socket(id) if id == self.id) || target.except.is_some() {
            return self.hub.publish(target, buffer);
        }
        debug_assert!(buffer.len() >= HEADROOM, "an emitter leaves room for the header");
        let start = crate::frame::write_header(buffer, crate::frame::Opcode::Text, false);
        let (frame, json) = (Frame::new(&buffer[start..]), &buffer[HEADROOM..]);
        if !self.hub.push_event(&self.member, &frame, json) {
            return closed().into();
        }
        self.hub.meters().sent.increment(1);
        PublishOutcome::Done(Ok(()))
    }

    fn close(&self, target: &Target<'_>, code: u16, reason: &str) -> PublishOutcome {
        if !matches!(target.to, To::Socket(id) if id == self.id) || target.except.is_some() {
            return self.hub.close_target(target, code, reason);
        }
        let reason = CloseReason::new(ClosedBy::Server, code, reason.to_owned());
        self.hub.close(&self.member, reason);
        PublishOutcome::Done(Ok(()))
    }
}

impl Asker for Inner {
    fn ask(&self, text: Vec<u8>, within: Duration) -> Asked<Box<str>> {
        let sent = self.hub.ask(&self.member, &text);
        Box::pin(async move {
            let answer = crate::platform::timeout(within, sent?.answer());
            answer.await.unwrap_or_else(|_| {
                let message =
                    format!("the client did not answer within {} s", within.as_secs_f32());
                Err(Error::with_code(http::StatusCode::GATEWAY_TIMEOUT, "timeout", message))
            })
        })
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
