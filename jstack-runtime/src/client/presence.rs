//! Who is in a room: `Presence`, and `Watch` for one who looks.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::core::{Change, Phase};
use super::failure;
use super::shared::Shared;
use crate::error::Result;
use crate::markers::{PresenceProcedure, Present, present};
use crate::payload::unsent;
use crate::platform;
use crate::protocol::member_view::MemberView;

/// Who is in a room of a procedure with presence, made by
/// [`Sender::presence`](super::Sender::presence). Cheap to clone.
///
/// The server decides who is in which room. What a room shows is for its members, so [`list`] and
/// [`watch`] wait until this connection is one.
///
/// [`list`]: Self::list
/// [`watch`]: Self::watch
///
/// ```no_run
/// # use jstack_runtime::prelude::*;
/// # use jstack_runtime::client::{Client, PresenceChange};
/// # #[derive(Clone, Debug, Events)]
/// # pub enum Chat { Say(String) }
/// #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
/// pub struct Status { typing: bool }
///
/// # #[procedure(ws, incoming = Chat, outgoing = Chat, presence = Status)]
/// # pub mod chat { use super::*; #[on(Say)] async fn say(_: String) {} }
/// # async fn example(client: Client) -> Result {
/// let chat = client.ws::<chat::Procedure>("post/chat").connect().await?;
/// let room = chat.presence("general");
/// room.set(&Status { typing: true })?;
/// println!("{} are here", room.count().await?);
///
/// let mut watch = room.watch();
/// while let Some(change) = watch.next().await {
///     match change {
///         PresenceChange::Listed => println!("{:?}", watch.list()),
///         PresenceChange::Joined(member) => println!("{} came", member.key),
///         PresenceChange::Left(member) => println!("{} left", member.key),
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// # fn main() {}
/// ```
pub struct Presence<P: PresenceProcedure> {
    shared: Arc<Shared>,
    room: String,
    procedure: PhantomData<fn() -> P>,
}

impl<P: PresenceProcedure> Presence<P> {
    pub(super) fn new(shared: Arc<Shared>, room: String) -> Self {
        Self { shared, room, procedure: PhantomData }
    }

    /// Says something about this connection, to everybody in the room.
    ///
    /// The newest counts: it is sent at most every 50 ms, when this connection is in the room, and
    /// again after each reconnect. It never waits. Fails for a value that breaks its rules.
    pub fn set(&self, status: &P::Status) -> Result {
        let state = P::STATUS.written(status).map_err(unsent)?.get().to_owned();
        self.shared.change(|core| core.say_state(&self.room, Some(state)));
        Ok(())
    }

    /// Takes back what [`set`](Self::set) said. The membership stays.
    pub fn clear(&self) {
        self.shared.change(|core| core.say_state(&self.room, None));
    }

    /// The members of the room, by key. Of large rooms the server lists the first 200:
    /// [`count`](Self::count) counts all.
    ///
    /// Fails with `timeout` if this connection is not in the room in time, with `unsupported` on a
    /// server of the base profile, with `closed`, and with the server's error if it refuses. The time
    /// is that of requests. Cancel safe: a dropped call changes nothing.
    pub async fn list(&self) -> Result<Vec<Present<P::Info, P::Status>>> {
        let watch = self.watch();
        watch.listed().await?;
        Ok(watch.list())
    }

    /// How many members the room has. Fails as [`list`](Self::list) does. Cancel safe, as that.
    pub async fn count(&self) -> Result<usize> {
        let watch = self.watch();
        watch.listed().await?;
        Ok(watch.count())
    }

    /// Watches the room until the [`Watch`] is dropped. Several watches of one room are one
    /// subscription at the server.
    pub fn watch(&self) -> Watch<P> {
        let watcher = self.shared.change(|core| core.watch(&self.room));
        Watch { presence: self.clone(), watcher }
    }
}

impl<P: PresenceProcedure> Clone for Presence<P> {
    fn clone(&self) -> Self {
        Self::new(self.shared.clone(), self.room.clone())
    }
}

impl<P: PresenceProcedure> fmt::Debug for Presence<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presence").field("room", &self.room).finish_non_exhaustive()
    }
}

/// What changed in a room, from [`Watch::next`].
///
/// ```
/// use jstack_runtime::client::PresenceChange;
///
/// fn line(change: &PresenceChange<(), bool>) -> String {
///     match change {
///         PresenceChange::Joined(member) => format!("{} came", member.key),
///         PresenceChange::Left(member) => format!("{} left", member.key),
///         _ => String::new(),
///     }
/// }
/// # let _ = line;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PresenceChange<Info, Status> {
    /// The list has come: for the first time, after it was stale, or because more changed than was
    /// read. Read it with [`Watch::list`].
    Listed,
    /// Somebody joined.
    Joined(Present<Info, Status>),
    /// Somebody says something else, or has more or fewer connections.
    Updated(Present<Info, Status>),
    /// Somebody left: with the last of their connections.
    Left(Present<Info, Status>),
    /// Only the number of members is known to have changed, which is so in large rooms.
    Counted(usize),
    /// The connection is lost, or this connection left the room. The list stays as it was.
    Stale,
}

/// One who watches a room, made by [`Presence::watch`]. Dropping it ends that.
///
/// See [`Presence`] for an example.
pub struct Watch<P: PresenceProcedure> {
    presence: Presence<P>,
    watcher: u64,
}

impl<P: PresenceProcedure> Watch<P> {
    /// The next change; `None` once the socket is closed for good.
    ///
    /// 1024 changes wait. Beyond, they are one [`PresenceChange::Listed`]. A member that cannot be
    /// read, which one of another version may be, is reported by
    /// [`Socket::next`](super::Socket::next) and left out.
    ///
    /// Cancel safe: what is not returned is returned by the next call.
    pub async fn next(&mut self) -> Option<PresenceChange<P::Info, P::Status>> {
        let Presence { shared, room, .. } = &self.presence;
        loop {
            let (change, is_closed) = shared
                .when(|core| {
                    let change = core.next_change(room, self.watcher);
                    let is_closed = core.phase == Phase::Closed;
                    (change.is_some() || is_closed).then_some((change, is_closed))
                })
                .await;
            match change {
                Some(change) => {
                    if let Some(change) = self.typed(change) {
                        return Some(change);
                    }
                }
                None if is_closed => return None,
                None => {}
            }
        }
    }

    /// Those who were in the room when the server said so last, by key.
    pub fn list(&self) -> Vec<Present<P::Info, P::Status>> {
        self.members(|_, _| true)
    }

    /// The same without this client's own member.
    pub fn others(&self) -> Vec<Present<P::Info, P::Status>> {
        self.members(|member, me| me != Some(&*member.key))
    }

    /// This client's own member, if the room lists it.
    pub fn me(&self) -> Option<Present<P::Info, P::Status>> {
        self.members(|member, me| me == Some(&*member.key)).pop()
    }

    /// How many members there are, those beyond the first 200 included.
    pub fn count(&self) -> usize {
        let Presence { shared, room, .. } = &self.presence;
        shared.core().presence(room).map_or(0, super::core::Presence::count)
    }

    /// Whether the list may be old: before the first one, and while the connection is lost.
    pub fn is_stale(&self) -> bool {
        let Presence { shared, room, .. } = &self.presence;
        shared.core().presence(room).is_none_or(super::core::Presence::is_stale)
    }

    /// Waits until the list is not stale.
    async fn listed(&self) -> Result {
        let Presence { shared, room, .. } = &self.presence;
        let listed = shared.when(|core| {
            if core.phase == Phase::Closed {
                return Some(Err(failure::closed()));
            }
            if core.is_up() && !core.v1 {
                let why = "this server shows no presence: it speaks the base profile";
                return Some(Err(failure::unsupported(why)));
            }
            let presence = core.presence(room)?;
            match presence.refused() {
                Some(error) => Some(Err(error)),
                None => (!presence.is_stale()).then_some(Ok(())),
            }
        });
        let within = shared.core().request_timeout();
        platform::timeout(within, listed).await.unwrap_or_else(|_| {
            let why = format!("the members of `{room}` did not come: is this connection in it?");
            Err(failure::timeout(why))
        })
    }

    fn members(
        &self,
        which: impl Fn(&MemberView, Option<&str>) -> bool,
    ) -> Vec<Present<P::Info, P::Status>> {
        let Presence { shared, room, .. } = &self.presence;
        let members: Vec<Arc<MemberView>> = {
            let core = shared.core();
            let Some(presence) = core.presence(room) else { return Vec::new() };
            let me = presence.me();
            presence.members().filter(|member| which(member, me)).cloned().collect()
        };
        members.iter().filter_map(|member| self.read(member)).collect()
    }

    fn typed(&self, change: Change) -> Option<PresenceChange<P::Info, P::Status>> {
        Some(match change {
            Change::Listed => PresenceChange::Listed,
            Change::Joined(member) => PresenceChange::Joined(self.read(&member)?),
            Change::Updated(member) => PresenceChange::Updated(self.read(&member)?),
            Change::Left(member) => PresenceChange::Left(self.read(&member)?),
            Change::Counted(count) => PresenceChange::Counted(count),
            Change::Stale => PresenceChange::Stale,
        })
    }

    fn read(&self, member: &MemberView) -> Option<Present<P::Info, P::Status>> {
        match present::<P>(member.clone()) {
            Ok(member) => Some(member),
            Err(error) => {
                self.presence.shared.change(|core| core.report(None, error));
                None
            }
        }
    }
}

impl<P: PresenceProcedure> Drop for Watch<P> {
    fn drop(&mut self) {
        let Presence { shared, room, .. } = &self.presence;
        shared.change(|core| core.unwatch(room, self.watcher));
    }
}

impl<P: PresenceProcedure> fmt::Debug for Watch<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("room", &self.presence.room).finish_non_exhaustive()
    }
}
