//! `Io`: emitting to others.

use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;

use super::history::RoomHistory;
use super::presence::RoomPresence;
use crate::app_context::AppContext;
use crate::error::{Error, Result};
use crate::events::Events;
use crate::events::{Target, To};
use crate::markers::{PresenceProcedure, SocketProcedure};
use crate::rooms::Hub;
use crate::socket_id::SocketId;

/// Emits to connections of the procedure `P`, in every process that shares the broker.
///
/// It is an extractor in every handler, and [`App::io`](crate::App::io) returns one elsewhere. Clones are
/// cheap. Inside a `#[procedure(ws, …)]` module, `Io` is that module's own.
///
/// ```
/// # use jstack_runtime::prelude::*;
/// # #[derive(Clone, Debug, Events)]
/// # pub enum Chat { Message(String) }
/// # #[procedure(ws, incoming = Chat, outgoing = Chat)]
/// # pub mod chat {
/// #     use super::*;
/// #     #[on(Message)]
/// #     async fn message(io: Io, text: String) -> Result { io.to("general").message(&text).await }
/// # }
/// // any handler, any task can emit
/// async fn announce(io: Io<chat::Procedure>) -> Result {
///     io.to("general").to("news").message("hello").await?;
///     io.all().message("to everyone on this procedure").await
/// }
/// # fn main() {}
/// ```
pub struct Io<P> {
    hub: Arc<Hub>,
    procedure: PhantomData<fn() -> P>,
}

impl<P: SocketProcedure> Io<P> {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        Self { hub, procedure: PhantomData }
    }

    /// Selects everybody on this procedure.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// io.all().message("to everybody").await?;
    /// io.all().except(&socket).message("to everybody else").await?;
    /// # Ok(()) } fn main() {}
    /// ```
    pub fn all(&self) -> <P::Outgoing as Events>::Emitter<'_> {
        P::Outgoing::emitter(Target::new(&*self.hub, To::All))
    }

    /// Selects the members of `room`, in every process. The emitter's own `to` adds another room.
    ///
    /// A room's name is a text of 1 to 200 bytes without control characters. The emit fails for any other
    /// text.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// io.to("general").message("hello").await?;
    /// io.to("general").to("news").except(&socket).message("hello").await?;
    /// # Ok(()) } fn main() {}
    /// ```
    pub fn to<'a>(
        &'a self,
        room: impl Into<std::borrow::Cow<'a, str>>,
    ) -> <P::Outgoing as Events>::Emitter<'a> {
        P::Outgoing::emitter(Target::new(&*self.hub, To::Room(room.into())))
    }

    /// Selects one connection, in any process. If it has ended, the emit does nothing and is `Ok`.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// let id = socket.id();
    /// io.socket(id).message("for one client").await?;
    /// # Ok(()) } fn main() {}
    /// ```
    pub fn socket(&self, id: impl AsRef<SocketId>) -> <P::Outgoing as Events>::Emitter<'_> {
        P::Outgoing::emitter(Target::new(&*self.hub, To::Socket(*id.as_ref())))
    }

    /// Selects the members of `room`, in every process, in a procedure with `presence = …`.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// let online = io.presence("general").count().await?;
    /// # let _: usize = online;
    /// # Ok(()) } fn main() {}
    /// ```
    pub fn presence<'a>(&'a self, room: &'a str) -> RoomPresence<'a, P>
    where
        P: PresenceProcedure,
    {
        RoomPresence::new(&self.hub, room)
    }

    /// Selects the history of a room, in a procedure that keeps one: `history(100, "5m")`.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// for past in io.history("general").last(50).await? {
    ///     println!("{:?} at {:?}", past.event, past.at);
    /// }
    /// # Ok(()) } fn main() {}
    /// ```
    pub fn history(&self, room: impl Into<String>) -> RoomHistory<P> {
        RoomHistory::new(self.hub.clone(), room.into())
    }

    /// The number of connections to the procedure in this process.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// println!("{} connections here", io.local_connections());
    /// # Ok(()) } fn main() {}
    /// ```
    pub fn local_connections(&self) -> usize {
        self.hub.connections()
    }
}

impl<P> Clone for Io<P> {
    fn clone(&self) -> Self {
        Self { hub: self.hub.clone(), procedure: PhantomData }
    }
}

impl<P> fmt::Debug for Io<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Io").field("procedure", &self.hub.procedure()).finish_non_exhaustive()
    }
}

/// The rooms of the procedure with this marker; `None` outside of an `App`.
fn hub<P: 'static>(parts: &Parts) -> Option<Arc<Hub>> {
    parts.extensions.get::<Arc<AppContext>>().map(|context| context.hub_for::<P>())
}

#[cold]
fn outside() -> Error {
    Error::internal(
        "`Io` was extracted outside of an `App`: it is there for the procedures that an `App` \
         mounts and for the layers around them",
    )
}

impl<P: SocketProcedure, S: Sync> FromRequestParts<S> for Io<P> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        match hub::<P>(parts) {
            Some(hub) => Ok(Self::new(hub)),
            None => Err(outside()),
        }
    }
}

impl<P: SocketProcedure, S: Sync> axum::extract::OptionalFromRequestParts<S> for Io<P> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Infallible> {
        Ok(hub::<P>(parts).map(Self::new))
    }
}
