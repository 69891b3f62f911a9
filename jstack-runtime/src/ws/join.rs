//! `Join`: the options of a join, and its future.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::error::Result;
use crate::rooms::{Hub, JoinOptions, Member};

/// A join of a room, from [`Socket::join`](crate::Socket::join). It does nothing until it is awaited.
///
/// Fails for an invalid name: a name has 1 to 200 bytes and no control characters. Fails beyond the
/// limits `rooms_per_socket` and `joins_per_second`, when the broker cannot subscribe, and when the
/// connection has closed. Cancel safe: a join that is dropped before it is done has not joined.
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
///         let (general, news) = tokio::join!(socket.join("general"), socket.join("news"));
///         general.and(news)
///     }
/// #   #[on(Message)]
/// #   async fn message(_: String) {}
/// }
/// # fn main() {}
/// ```
#[must_use = "a join does nothing unless it is awaited"]
pub struct Join<'a> {
    hub: &'a Hub,
    member: &'a Arc<Member>,
    room: Box<str>,
    options: JoinOptions,
    /// Made with the first poll.
    joining: Option<Pin<Box<dyn Future<Output = Result> + Send + 'a>>>,
}

impl<'a> Join<'a> {
    pub(super) fn new(hub: &'a Hub, member: &'a Arc<Member>, room: &str) -> Self {
        Self { hub, member, room: room.into(), options: JoinOptions::default(), joining: None }
    }

    /// Sends the last `count` messages of the room first, as ordinary events, whatever the client
    /// speaks. Nothing is missing between them and the live ones. Messages that excluded a room of
    /// this connection are left out.
    ///
    /// The procedure must keep a history, as in `history(100, "5m")`; the join fails otherwise.
    /// Where the connection is in the room already, nothing is replayed.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// # #[derive(Clone, Debug, Events)]
    /// # pub enum Chat { Message(String) }
    /// #[procedure(ws, incoming = Chat, outgoing = Chat, history(100, "5m"))]
    /// pub mod chat {
    ///     use super::*;
    ///
    ///     #[connect]
    ///     async fn connect(socket: Socket) -> Result { socket.join("general").replay(20).await }
    /// #   #[on(Message)]
    /// #   async fn message(_: String) {}
    /// }
    /// # fn main() {}
    /// ```
    pub fn replay(mut self, count: u32) -> Self {
        self.options.replay = count;
        self
    }

    /// Joins without being listed in the room's presence: nobody who watches it sees this connection.
    /// Where rooms have no presence, it changes nothing.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// # #[derive(Clone, Debug, Events)]
    /// # pub enum Chat { Watch(String) }
    /// #[procedure(ws, incoming = Chat, outgoing = Chat, presence = bool)]
    /// pub mod chat {
    ///     use super::*;
    ///
    ///     #[on(Watch)]
    ///     async fn watch(socket: Socket, room: String) -> Result {
    ///         socket.join(room).hidden().await
    ///     }
    /// }
    /// # fn main() {}
    /// ```
    pub fn hidden(mut self) -> Self {
        self.options.hidden = true;
        self
    }
}

impl Future for Join<'_> {
    type Output = Result;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result> {
        let this = &mut *self;
        let joining = this.joining.get_or_insert_with(|| {
            let (hub, member, room) = (this.hub, this.member, std::mem::take(&mut this.room));
            let options = this.options;
            Box::pin(async move { hub.join(member, &room, options).await })
        });
        joining.as_mut().poll(cx)
    }
}

impl fmt::Debug for Join<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join").field("socket", &self.member.id).finish_non_exhaustive()
    }
}
