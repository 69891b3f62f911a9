//! `Room`: one room, as a connection sees it.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::failure;
use super::incoming::Position;
use super::inward::HistoryAnswer;
use super::shared::Shared;
use crate::error::{Error, Result};
use crate::events::Events;
use crate::markers::SocketProcedure;
use crate::payload::RawPayload;

/// One room, as this connection sees it, in procedures with history. The server decides who is in
/// which room.
///
/// ```no_run
/// # use jstack_runtime::prelude::*;
/// # use jstack_runtime::client::Client;
/// # #[derive(Clone, Debug, Events)]
/// # pub enum Chat { Say(String) }
/// # #[procedure(ws, incoming = Chat, outgoing = Chat)]
/// # pub mod chat { use super::*; #[on(Say)] async fn say(_: String) {} }
/// # async fn example(client: Client) -> Result {
/// let chat = client.ws::<chat::Procedure>("post/chat").connect().await?;
/// let room = chat.room("general");
/// let page = room.history(50).await?;
/// if let (true, Some(first)) = (page.more, page.items.first()) {
///     let older = room.history_before(&first.at, 50).await?;
/// }
/// # Ok(())
/// # }
/// # fn main() {}
/// ```
pub struct Room<P: SocketProcedure> {
    shared: Arc<Shared>,
    name: String,
    procedure: PhantomData<fn() -> P>,
}

/// A page of what was sent to a room, newest last; from [`Room::history`].
///
/// ```
/// use jstack_runtime::client::{PastPage, Position};
///
/// /// Where the page before this one ends.
/// fn older<E>(page: &PastPage<E>) -> Option<&Position> {
///     page.items.first().filter(|_| page.more).map(|first| &first.at)
/// }
/// # let _ = older::<String>;
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct PastPage<E> {
    /// The messages.
    pub items: Vec<Past<E>>,
    /// There is more before the first.
    pub more: bool,
}

/// One message of a room's history; from [`Room::history`].
///
/// ```
/// use jstack_runtime::client::Past;
///
/// fn line(past: &Past<String>) -> String {
///     format!("{} {}", past.at.offset, past.event)
/// }
/// # let _ = line;
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Past<E> {
    /// The event.
    pub event: E,
    /// Its place.
    pub at: Position,
    /// When the server took it.
    pub time: SystemTime,
}

impl<P: SocketProcedure> Room<P> {
    pub(super) fn new(shared: Arc<Shared>, name: String) -> Self {
        Self { shared, name, procedure: PhantomData }
    }

    /// Whether the server has this connection in the room. Only rooms with a history say so.
    pub fn is_joined(&self) -> bool {
        self.shared.core().room(&self.name).0
    }

    /// The last message of the room that was received.
    pub fn position(&self) -> Option<Position> {
        self.shared.core().room(&self.name).1
    }

    /// The last messages of the room, `limit` at most (the server gives at most 200), newest last.
    ///
    /// Fails as a request does, and with the server's error for a room that this connection is not in.
    /// Cancel safe: a dropped call is forgotten, and changes nothing.
    pub async fn history(&self, limit: u32) -> Result<PastPage<P::Outgoing>> {
        self.page(None, limit).await
    }

    /// The same for what was sent before a message. Fails, and may be dropped, as
    /// [`history`](Self::history).
    pub async fn history_before(
        &self,
        before: &Position,
        limit: u32,
    ) -> Result<PastPage<P::Outgoing>> {
        self.page(Some(before), limit).await
    }

    async fn page(&self, before: Option<&Position>, limit: u32) -> Result<PastPage<P::Outgoing>> {
        let mut range = serde_json::json!({ "r": self.name, "limit": limit });
        if let Some(before) = before {
            range["before"] = serde_json::json!([before.epoch, before.offset]);
        }
        let open = format!("[\"$history\",{range}").into_bytes();
        let answer = self.shared.clone().ask("$history".to_owned(), open, None).await?;
        let answer: HistoryAnswer = serde_json::from_str(&answer).map_err(|error| {
            failure::malformed(format!("the room's past cannot be read: {error}"))
        })?;
        let HistoryAnswer { e, items, more, .. } = answer;
        let items = items.into_iter().filter(|item| !item.0.is_empty()).map(|item| {
            let event = P::Outgoing::decode(&item.0, RawPayload::new(item.1.get()))?;
            let at = Position::new(e.clone(), item.2);
            let time = SystemTime::UNIX_EPOCH + time(item.3);
            Ok::<_, Error>(Past { event, at, time })
        });
        Ok(PastPage { items: items.collect::<Result<_>>()?, more })
    }
}

/// Milliseconds since 1970 from a server, which may be anything.
fn time(ms: f64) -> Duration {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a conversion to an integer saturates"
    )]
    let micros = (ms * 1000.0).round() as u64;
    Duration::from_micros(micros)
}

impl<P: SocketProcedure> fmt::Debug for Room<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Room").field("name", &self.name).finish_non_exhaustive()
    }
}
