//! `io.history(room)`: the last messages of a room, for handlers.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::error::{Error, Result};
use crate::events::Events;
use crate::history::{Page, Position};
use crate::markers::SocketProcedure;
use crate::payload::RawPayload;
use crate::rooms::Hub;

/// The history of one room, as [`Io::history`](super::Io::history) returns it.
///
/// ```
/// # use jstack_runtime::prelude::*;
/// # #[derive(Clone, Debug, Events)]
/// # pub enum Chat { Message(String) }
/// #[procedure(ws, incoming = Chat, outgoing = Chat, history(100, "5m"))]
/// pub mod chat {
///     use super::*;
///
///     #[on(Message)]
///     async fn message(io: Io, text: String) -> Result { io.to("general").message(&text).await }
/// }
///
/// #[procedure(get)]
/// async fn recent(io: Io<chat::Procedure>) -> Result<Vec<String>> {
///     let past = io.history("general").last(50).await?;
///     Ok(past.into_iter().map(|past| match past.event { Chat::Message(text) => text }).collect())
/// }
/// # fn main() {}
/// ```
pub struct RoomHistory<P> {
    hub: Arc<Hub>,
    room: String,
    procedure: PhantomData<fn() -> P>,
}

/// One message of a room's history, from [`RoomHistory`].
///
/// ```
#[doc = include_str!("../docs/in_chat.md")]
/// let past = io.history("general").last(1).await?;
/// if let Some(newest) = past.last() {
///     println!("{:?} at {:?}, position {}", newest.event, newest.at, newest.position);
/// }
/// # Ok(()) } fn main() {}
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Past<E> {
    /// The event.
    pub event: E,
    /// Where it is in the room's history.
    pub position: Position,
    /// When it was published, to the millisecond.
    pub at: SystemTime,
}

impl<P: SocketProcedure> RoomHistory<P> {
    pub(super) fn new(hub: Arc<Hub>, room: String) -> Self {
        Self { hub, room, procedure: PhantomData }
    }

    /// Returns the last `count` messages, the oldest first.
    ///
    /// Fails if the procedure keeps no history, if the room's name is not valid, and if the broker cannot be
    /// read. Cancel safe: dropping it changes nothing.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// let past = io.history("general").last(50).await?;
    /// # let _: Vec<jstack_runtime::Past<ToClient>> = past;
    /// # Ok(()) } fn main() {}
    /// ```
    pub async fn last(&self, count: u32) -> Result<Vec<Past<P::Outgoing>>> {
        past(self.hub.last(&self.room, count).await?)
    }

    /// Returns the messages after a position, the oldest first.
    ///
    /// Fails where [`last`](Self::last) does, and with the code `gone` if the history does not have all
    /// of them any more. Cancel safe.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// # let since = io.history("general").last(1).await?[0].position;
    /// let missed = io.history("general").after(&since).await?;
    /// # let _: Vec<jstack_runtime::Past<ToClient>> = missed;
    /// # Ok(()) } fn main() {}
    /// ```
    pub async fn after(&self, position: &Position) -> Result<Vec<Past<P::Outgoing>>> {
        let page = self.hub.since(&self.room, *position).await?;
        if !page.is_whole(*position) {
            return Err(Error::gone(
                "the history does not have everything after that position any more",
            ));
        }
        past(page)
    }

    /// Removes all messages from the history. Clients that were away learn that they missed some.
    ///
    /// Fails where [`last`](Self::last) does. If it is dropped while it waits, the history may be cleared or
    /// not.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// io.history("general").clear().await?;
    /// # Ok(()) } fn main() {}
    /// ```
    pub async fn clear(&self) -> Result {
        self.hub.forget_history(&self.room).await
    }
}

/// The entries as events.
fn past<E: Events>(page: Page) -> Result<Vec<Past<E>>> {
    let epoch = page.top.epoch();
    let event = |entry: crate::history::Entry| {
        let text = std::str::from_utf8(&entry.json).map_err(Error::internal)?;
        let (name, data): (std::borrow::Cow<'_, str>, &serde_json::value::RawValue) =
            serde_json::from_str(text)?;
        // An older version of the program may have written it.
        let event = E::decode(&name, RawPayload::new(data.get())).map_err(|error| {
            Error::internal(format!("the history has an event that does not decode: {error}"))
        })?;
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(entry.at_millis);
        Ok(Past { event, position: Position::new(epoch, entry.offset), at })
    };
    page.entries.into_iter().map(event).collect()
}

impl<P> Clone for RoomHistory<P> {
    fn clone(&self) -> Self {
        Self { hub: self.hub.clone(), room: self.room.clone(), procedure: PhantomData }
    }
}

impl<P> fmt::Debug for RoomHistory<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomHistory").field("room", &self.room).finish_non_exhaustive()
    }
}
