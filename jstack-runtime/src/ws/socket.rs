//! `Socket`: one connection.

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::connection::{Connection, SocketExtension};
use super::join::Join;
use super::presence::SocketPresence;
use crate::close_reason::{CloseReason, ClosedBy};
use crate::error::{Error, Result};
use crate::events::{Events, Question, Target, To};
use crate::markers::{PresenceProcedure, SocketProcedure};
use crate::socket_id::SocketId;

/// One connection of the procedure `P`: its id, its rooms, and what goes to it alone.
///
/// It is an extractor in WebSocket handlers. Clones are cheap and may outlive the connection: an emit then
/// fails with the code `gone`. Inside a `#[procedure(ws, …)]` module, `Socket` is that module's own.
///
/// ```
/// # use jstack_runtime::prelude::*;
/// # #[derive(Clone, Debug, Events)]
/// # pub enum Chat { Message(String) }
/// #[procedure(ws, incoming = Chat, outgoing = Chat)]
/// pub mod chat {
///     use super::*;
///
///     #[connect]
///     async fn connect(socket: Socket) -> Result {
///         socket.join("general").await?;
///         socket.emit().message("welcome").await
///     }
///
///     #[on(Message)]
///     async fn message(socket: Socket, io: Io, text: String) -> Result {
///         io.to("general").except(&socket).message(&text).await
///     }
/// }
/// # fn main() {}
/// ```
pub struct Socket<P> {
    connection: Arc<Connection>,
    procedure: PhantomData<fn() -> P>,
}

impl<P: SocketProcedure> Socket<P> {
    /// The id of this connection, unique in every process that shares the broker.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// let id = socket.id();
    /// io.socket(id).message("only for this client").await?;
    /// # Ok(()) } fn main() {}
    /// ```
    pub fn id(&self) -> SocketId {
        self.connection.id
    }

    /// Joins a room.
    ///
    /// After `.await`, the subscription is live: whatever is then emitted to the room arrives here. To join a
    /// room twice has no further effect. [`Join`] lists its errors and options.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// socket.join("general").await?;
    /// socket.join("news").replay(20).await?;
    /// # Ok(()) } fn main() {}
    /// ```
    pub fn join(&self, room: impl AsRef<str>) -> Join<'_> {
        Join::new(&self.connection.hub, &self.connection.member, room.as_ref())
    }

    /// Leaves a room at once; without effect if the connection is not in it.
    ///
    /// The returned value may be awaited and need not be. A connection that ends leaves all its rooms.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// socket.leave("general").await?;
    /// assert!(!socket.rooms().contains(&"general".to_owned()));
    /// # Ok(()) } fn main() {}
    /// ```
    pub fn leave(&self, room: impl AsRef<str>) -> Left {
        self.connection.hub.leave(&self.connection.member, room.as_ref());
        Left(())
    }

    /// Selects what this connection says about itself in `room`, which it must be in.
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
        SocketPresence::new(&self.connection.hub, &self.connection.member, room)
    }

    /// The names of the rooms that this connection is in, in no particular order.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// for room in socket.rooms() {
    ///     io.to(room).message("they are typing").await?;
    /// }
    /// # Ok(()) } fn main() {}
    /// ```
    pub fn rooms(&self) -> Vec<String> {
        self.connection.member.room_names()
    }

    /// Selects this connection alone.
    ///
    /// Events that are emitted before the upgrade wait for it, and are sent first. An emit fails
    /// with a 410 (code `gone`) once the connection has ended, and when it ends the connection
    /// because the client does not read.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// socket.emit().message("welcome").await?;
    /// # Ok(()) } fn main() {}
    /// ```
    pub fn emit(&self) -> <P::Outgoing as Events>::Emitter<'_> {
        P::Outgoing::emitter(Target::new(&*self.connection, To::Socket(self.connection.id)))
    }

    /// Asks this connection's client, which has 10 s to answer.
    ///
    /// The asker has a method for each event that declares `ask`. A handler may ask its own client.
    /// The question fails at once, with the code `unsupported`, for a client without the profile
    /// `v1`, as the stock client. It fails with `timeout` after the deadline, with `gone` when the
    /// connection ends, and with `answer` for an invalid answer. An error of the client is passed
    /// on.
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
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// let answer = socket.ask_within(std::time::Duration::from_secs(60)).confirm("Delete the room?").await?;
    /// # let _: bool = answer;
    /// # Ok(()) } fn main() {}
    /// ```
    pub fn ask_within(&self, deadline: Duration) -> <P::Outgoing as Events>::Asker<'_> {
        P::Outgoing::asker(Question::new(&*self.connection, deadline))
    }

    /// Sets when the connection's credentials expire, counted from now.
    ///
    /// Call it in `#[connect]` and in `#[refresh]`. Clients of the profile `v1` then learn the time and send a
    /// new token before it is over. A connection that has not renewed its credentials 25 s after they expired
    /// is closed with 4401, whatever its client speaks.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// socket.expires_in(std::time::Duration::from_secs(15 * 60));
    /// # Ok(()) } fn main() {}
    /// ```
    pub fn expires_in(&self, duration: Duration) {
        let now = self.connection.hub.node().nanos() / 1_000_000;
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        // Zero would mean never.
        let expires = now.saturating_add(millis).max(1);
        self.connection.member.life.expires.store(expires, Ordering::Relaxed);
    }

    /// The subprotocols that the client offers, in its order of preference.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// if socket.subprotocols().iter().any(|name| name == "chat.v2") {
    ///     socket.select("chat.v2")?;
    /// }
    /// # Ok(()) } fn main() {}
    /// ```
    pub fn subprotocols(&self) -> &[String] {
        self.connection.negotiation.offered()
    }

    /// Selects one of the client's subprotocols for the answer to the handshake.
    ///
    /// Call it in `#[connect]` or in an extractor: these run before the answer. Without it none is selected,
    /// and browsers close a connection for which they offered some.
    ///
    /// Fails for a name that the client does not offer, and if another one is already selected: clients of
    /// the profile `v1` have `jstack.v1`.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// socket.select("chat.v2")?;
    /// # Ok(()) } fn main() {}
    /// ```
    pub fn select(&self, subprotocol: &str) -> Result {
        self.connection.negotiation.select(subprotocol)
    }

    /// Closes the connection: sends what is queued, then a close frame with `code` and `reason`.
    ///
    /// Applications use 1000 and 3000 to 4999. With a code that must not be sent, the close frame has none. At
    /// most 123 bytes of the reason are sent, without control characters.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// socket.close(4403, "banned");
    /// # Ok(()) } fn main() {}
    /// ```
    pub fn close(&self, code: u16, reason: impl Into<String>) {
        let reason = CloseReason::new(ClosedBy::Server, code, reason.into());
        self.connection.hub.close(&self.connection.member, reason);
    }

    /// Whether the connection has closed or is about to.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// while !socket.is_closed() {
    ///     socket.emit().message("tick").await?;
    ///     tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    /// }
    /// # Ok(()) } fn main() {}
    /// ```
    pub fn is_closed(&self) -> bool {
        self.connection.member.ending().is_some()
    }
}

/// The outcome of [`Socket::leave`]: the room is left already, and `.await` returns `Ok`.
#[derive(Clone, Copy, Debug)]
pub struct Left(());

impl std::future::IntoFuture for Left {
    type Output = Result;
    type IntoFuture = std::future::Ready<Result>;

    fn into_future(self) -> Self::IntoFuture {
        std::future::ready(Ok(()))
    }
}

impl<P> AsRef<SocketId> for Socket<P> {
    fn as_ref(&self) -> &SocketId {
        &self.connection.id
    }
}

impl<P> Clone for Socket<P> {
    fn clone(&self) -> Self {
        Self { connection: self.connection.clone(), procedure: PhantomData }
    }
}

impl<P> PartialEq for Socket<P> {
    fn eq(&self, other: &Self) -> bool {
        self.connection.id == other.connection.id
    }
}

impl<P> Eq for Socket<P> {}

impl<P> fmt::Debug for Socket<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("id", &self.connection.id).finish_non_exhaustive()
    }
}

impl<P: SocketProcedure, S: Sync> FromRequestParts<S> for Socket<P> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        match SocketExtension::of(parts, TypeId::of::<P>()) {
            Ok(connection) => Ok(Self { connection, procedure: PhantomData }),
            Err(error) => Err(error),
        }
    }
}
