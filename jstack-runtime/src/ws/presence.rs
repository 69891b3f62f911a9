//! Presence as handlers see it: who is in a room, and what a connection says about itself there.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::handlers::EncodedMember;
use crate::error::Result;
use crate::markers::{PresenceProcedure, Present, present};
use crate::rooms::{Hub, Identity, Member as Connected};

/// The return value of `#[member]`: who a connection is.
///
/// Connections with one key are one member of a room, which leaves with the last of them. The key
/// has 1 to 200 bytes. `info` is public: everybody who is in a room with the member reads it. It is
/// sent as JSON of at most 2 KiB, after its rules are checked. A connection whose key or `info` is
/// not right is not listed, and the log says why.
///
/// ```
/// # use jstack_runtime::prelude::*;
/// # #[derive(Clone, Debug, Events)]
/// # pub enum Chat { Message(String) }
/// #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
/// pub struct Profile {
///     pub name: String,
/// }
///
/// #[procedure(ws, incoming = Chat, outgoing = Chat, presence = bool)]
/// pub mod chat {
///     use super::*;
///
///     pub struct Session { user: u32, name: String }
///
///     #[connect]
///     async fn connect(socket: Socket) -> Result<Session> {
///         socket.join("general").await?;
///         Ok(Session { user: 7, name: "Ann".to_owned() })
///     }
///
///     #[member]
///     fn member(session: &Session) -> Member<Profile> {
///         Member::new(session.user, Profile { name: session.name.clone() })
///     }
/// #   #[on(Message)]
/// #   async fn message(_: String) {}
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member<Info = ()> {
    key: String,
    info: Info,
}

impl<Info> Member<Info> {
    /// A member with its key (a user's id for example) and what others read about it.
    ///
    /// ```
    /// use jstack_runtime::Member;
    ///
    /// let member = Member::new(7, "Ann".to_owned());
    /// assert_eq!(member, Member::new("7", "Ann".to_owned()));
    /// ```
    #[allow(clippy::needless_pass_by_value, reason = "a key is often made for this call")]
    pub fn new(key: impl fmt::Display, info: Info) -> Self {
        Self { key: key.to_string(), info }
    }
}

/// The members of a room in every process, from [`Io::presence`](crate::Io::presence).
///
/// ```
#[doc = include_str!("../docs/in_chat.md")]
/// let presence = io.presence("general");
/// assert_eq!(presence.count().await?, presence.list().await?.len());
/// # Ok(()) } fn main() {}
/// ```
pub struct RoomPresence<'a, P> {
    hub: &'a Hub,
    room: &'a str,
    procedure: PhantomData<fn() -> P>,
}

impl<'a, P> RoomPresence<'a, P> {
    pub(super) fn new(hub: &'a Hub, room: &'a str) -> Self {
        Self { hub, room, procedure: PhantomData }
    }

    /// The members of the room, by key.
    ///
    /// It reads this process' own copy, which the broker keeps current: other processes are not
    /// asked. Their changes arrive a tenth of a second later. A process that has just started waits
    /// a quarter of a second for the others' members, once.
    ///
    /// Fails for a name that no room can have, when the broker cannot subscribe, and when a process
    /// of another version describes its members by other types.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// # #[derive(Clone, Debug, Events)]
    /// # pub enum Chat { Message(String) }
    /// # #[procedure(ws, incoming = Chat, outgoing = Chat, presence = bool)]
    /// # pub mod chat {
    /// #     use super::*;
    /// #     #[on(Message)]
    /// #     async fn message(_: String) {}
    /// # }
    /// #[procedure(get)]
    /// async fn here(io: Io<chat::Procedure>) -> Result<Vec<String>> {
    ///     let members = io.presence("general").list().await?;
    ///     Ok(members.into_iter().map(|member| member.key).collect())
    /// }
    /// # fn main() {}
    /// ```
    pub async fn list(&self) -> Result<Vec<Present<P::Info, P::Status>>>
    where
        P: PresenceProcedure,
    {
        let views = self.hub.present(self.room).await?;
        views.into_iter().map(present::<P>).collect()
    }

    /// Counts the members of the room. It waits and fails where [`list`](Self::list) does.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// if io.presence("general").count().await? > 100 {
    ///     socket.emit().message("the room is full").await?;
    /// }
    /// # Ok(()) } fn main() {}
    /// ```
    pub async fn count(&self) -> Result<usize> {
        self.hub.count_present(self.room).await
    }
}

impl<P> fmt::Debug for RoomPresence<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoomPresence").field("room", &self.room).finish_non_exhaustive()
    }
}

/// The state of a connection in a room, from [`Socket::presence`](crate::Socket::presence).
///
/// ```
#[doc = include_str!("../docs/in_chat.md")]
/// socket.presence("general").set(&"away".to_owned()).await?;
/// socket.presence("general").clear().await?;
/// # Ok(()) } fn main() {}
/// ```
pub struct SocketPresence<'a, P> {
    hub: &'a Hub,
    connected: &'a Arc<Connected>,
    room: &'a str,
    procedure: PhantomData<fn() -> P>,
}

impl<'a, P> SocketPresence<'a, P> {
    pub(super) fn new(hub: &'a Hub, connected: &'a Arc<Connected>, room: &'a str) -> Self {
        Self { hub, connected, room, procedure: PhantomData }
    }

    /// Sets the status. The client may set it, too; the newest value counts.
    ///
    /// Fails if `status` breaks its rules or takes more than 2 KiB as JSON, and with 403 if the connection is
    /// not in the room.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// socket.presence("general").set(&"away".to_owned()).await?;
    /// # Ok(()) } fn main() {}
    /// ```
    #[allow(clippy::unused_async, reason = "a broker may have to be asked one day")]
    pub async fn set(&self, status: &P::Status) -> Result
    where
        P: PresenceProcedure,
    {
        let said = P::STATUS.written(status)?;
        self.hub.set_state(self.connected, self.room, Some(said.into()))
    }

    /// Removes the status that was set.
    ///
    /// Fails with 403 if the connection is not in the room.
    ///
    /// ```
    #[doc = include_str!("../docs/in_chat.md")]
    /// socket.presence("general").clear().await?;
    /// # Ok(()) } fn main() {}
    /// ```
    #[allow(clippy::unused_async, reason = "as for `set`")]
    pub async fn clear(&self) -> Result {
        self.hub.set_state(self.connected, self.room, None)
    }
}

impl<P> fmt::Debug for SocketPresence<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SocketPresence").field("room", &self.room).finish_non_exhaustive()
    }
}

/// Decodes what a client says about itself, checks its rules, and writes it again: without what its
/// type does not know.
pub(crate) fn checked_state<P: PresenceProcedure>(json: &str) -> Result<Box<RawValue>> {
    P::STATUS.written(&P::STATUS.parsed(json)?)
}

/// Writes what `#[member]` returned.
#[doc(hidden)]
pub fn member<P: PresenceProcedure>(member: Member<P::Info>) -> EncodedMember {
    let Member { key, info } = member;
    let identity = |info: Box<RawValue>| Identity { key: key.into(), info: info.into() };
    EncodedMember(P::INFO.written(&info).map(identity))
}
