//! Markers of procedures: the types by which servers and clients name them.
//!
//! `#[procedure]` writes a marker with its traits. Programs that have only the client write theirs, in
//! the crate that they share with the server: that crate needs neither a server nor a client.

use std::time::{Duration, SystemTime};

use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::events::Events;
use crate::payload::{Described, EventPayload, InputPayload, RawPayload, SchemaOf};
use crate::protocol::member_view::MemberView;

/// The event sets of a WebSocket procedure.
///
/// Its marker type names it in `Io`, in `Socket` and to clients. `#[procedure(ws, …)]` implements it. A
/// program without the server implements it for a type of its own:
///
/// ```
/// use jstack_runtime::{Events, SocketProcedure};
///
/// #[derive(Clone, Debug, Events)]
/// pub enum ToServer { Say(String) }
///
/// #[derive(Clone, Debug, Events)]
/// pub enum ToClient { Said(String) }
///
/// pub enum Chat {}
///
/// impl SocketProcedure for Chat {
///     type Incoming = ToServer;
///     type Outgoing = ToClient;
/// }
/// ```
///
/// In a server, code may be generic over procedures:
///
/// ```
/// # use jstack_runtime::prelude::*;
/// # use jstack_runtime::SocketProcedure;
/// # #[derive(Clone, Debug, Events)]
/// # pub enum Chat { Message(String) }
/// /// Emits from code that serves several procedures with the same events.
/// async fn announce<P: SocketProcedure<Outgoing = Chat>>(io: &Io<P>) -> Result {
///     io.all().message("hello").await
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the marker of a WebSocket procedure",
    note = "write `chat::Procedure` for the module or function `chat` with `#[procedure(ws, …)]`"
)]
pub trait SocketProcedure: Send + Sync + 'static {
    /// The events that clients send.
    type Incoming: Events;
    /// The events that clients get.
    type Outgoing: Events;
    /// How many messages of a room are kept, and for how many milliseconds.
    #[doc(hidden)]
    const HISTORY: Option<(u32, u64)> = None;
}

/// The types of a `get` or `post` procedure, by which clients call it.
///
/// `#[procedure(get, …)]` implements it for the procedure's marker. A program without the server
/// implements it for a type of its own:
///
/// ```
/// use jstack_runtime::HttpProcedure;
/// use jstack_runtime::prelude::*;
///
/// #[derive(Serialize, Deserialize, JsonSchema)]
/// pub struct Page { limit: u32 }
///
/// pub enum Recent {}
///
/// impl HttpProcedure for Recent {
///     type Input = Page;
///     type Output = Vec<String>;
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the marker of a `get` or `post` procedure",
    note = "write `recent::Procedure` for the function `recent` with `#[procedure(get, …)]`"
)]
pub trait HttpProcedure {
    /// The input; `()` without one.
    type Input;
    /// The answer.
    type Output;
}

/// A WebSocket procedure that shows who is in its rooms.
///
/// `#[procedure(ws, …, presence = Status)]` implements it. A program without the server implements it for
/// a type of its own:
///
/// ```
/// use jstack_runtime::{Events, PresenceProcedure, Shown, SocketProcedure, shown};
///
/// # #[derive(Clone, Debug, Events)]
/// # pub enum Event { Message(String) }
/// pub enum Chat {}
///
/// impl SocketProcedure for Chat {
///     type Incoming = Event;
///     type Outgoing = Event;
/// }
///
/// impl PresenceProcedure for Chat {
///     type Status = bool;
///     type Info = ();
///     const STATUS: Shown<bool> = shown();
///     const INFO: Shown<()> = shown();
/// }
/// ```
///
/// In a server, code may be generic over procedures:
///
/// ```
/// # use jstack_runtime::prelude::*;
/// # use jstack_runtime::PresenceProcedure;
/// /// How many are in a room of any such procedure.
/// async fn online<P: PresenceProcedure>(io: &Io<P>, room: &str) -> Result<usize> {
///     io.presence(room).count().await
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "this procedure does not show who is in its rooms",
    label = "has no presence",
    note = "write `#[procedure(ws, …, presence = Status)]`"
)]
pub trait PresenceProcedure: SocketProcedure {
    /// What a client says about itself.
    type Status: Send + Sync + 'static;
    /// What others read about a member: `Info` of the `Member<Info>` that `#[member]` returns, `()`
    /// without it.
    type Info: Send + Sync + 'static;
    /// How `Status` travels: [`shown()`].
    const STATUS: Shown<Self::Status>;
    /// How `Info` travels: [`shown()`].
    const INFO: Shown<Self::Info>;
}

/// How a type travels that presence shows; from [`shown()`]. [`PresenceProcedure`] has an example.
// Its abilities as plain functions: the one bound on `shown` is all that a type without its derives can
// break, so that one mistake is one error.
#[derive(Debug)]
pub struct Shown<T> {
    parse: fn(&RawPayload<'_>) -> Result<T>,
    encode: fn(&T, &mut Vec<u8>) -> Result,
    pub(crate) schema: SchemaOf,
}

/// How the payload `T` travels. [`PresenceProcedure`] has an example.
pub const fn shown<T: EventPayload>() -> Shown<T> {
    Shown {
        parse: <T as InputPayload>::decode,
        encode: <T as EventPayload>::encode,
        schema: <T as Described>::described,
    }
}

impl<T> Shown<T> {
    /// Decodes a value and checks its rules.
    pub(crate) fn parsed(&self, json: &str) -> Result<T> {
        (self.parse)(&RawPayload::new(json))
    }

    fn read(&self, json: &RawValue) -> Result<T> {
        self.parsed(json.get()).map_err(|error| {
            Error::internal(format!("a member of another version cannot be read: {error}"))
        })
    }

    /// Writes a value as JSON after checking its rules.
    pub(crate) fn written(&self, value: &T) -> Result<Box<RawValue>> {
        let mut json = Vec::new();
        (self.encode)(value, &mut json)?;
        let json = String::from_utf8(json).map_err(Error::internal)?;
        RawValue::from_string(json).map_err(Error::internal)
    }
}

/// A member of a room, as the server's `io.presence(room).list()` and the client's
/// `chat.presence(room).list()` return it.
///
/// ```
#[doc = include_str!("docs/in_chat.md")]
/// for member in io.presence("general").list().await? {
///     println!("{} with {} connections says {:?}", member.key, member.connections, member.states);
/// }
/// # Ok(()) } fn main() {}
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Present<Info, Status> {
    /// The key that `#[member]` chose, or the socket's id.
    pub key: String,
    /// What is said about the member; of its newest connection.
    pub info: Info,
    /// What its connections say about themselves, the newest first.
    pub states: Vec<Status>,
    /// How many connections the member has in the room.
    pub connections: usize,
    /// When the first of them joined.
    pub since: SystemTime,
}

/// Reads a member. Fails if a process of another version says something else about it.
pub(crate) fn present<P: PresenceProcedure>(
    view: MemberView,
) -> Result<Present<P::Info, P::Status>> {
    Ok(Present {
        key: view.key.into(),
        info: P::INFO.read(&view.info)?,
        states: view.states.iter().map(|state| P::STATUS.read(state)).collect::<Result<_>>()?,
        connections: view.connections,
        since: SystemTime::UNIX_EPOCH + Duration::from_millis(view.since),
    })
}
