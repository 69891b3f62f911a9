//! A procedure: the traits that generated code implements, and its description as data.

use std::any::TypeId;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::time::Duration;

use schemars::generate::SchemaSettings;

use crate::events::{Delivery, Events, Recode};
use crate::history::Keep;
use crate::http::answer::{Answer, OutputInfo, Reply};
use crate::http::input::InputReader;
use crate::markers::{PresenceProcedure, SocketProcedure};
use crate::payload::SchemaOf;
use crate::request_context::RequestContext;
use crate::rooms::{CheckState, Classes, EventClass};
use crate::ws::checked_state;

/// A request that a procedure serves.
pub type ReplyFuture = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// A procedure's `CALL`.
pub type ServeFn<S> = fn(RequestContext<S>) -> ReplyFuture;

/// A procedure that `router![]` can mount. `#[procedure]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be mounted on a router with the state `{S}`",
    note = "`router![]` takes the names of functions and modules that carry `#[procedure]`"
)]
pub trait Procedure<S>: Send + Sync + 'static {
    /// Name, kind and types, as data.
    const INFO: ProcedureInfo;

    /// Serves one request; for a WebSocket, everything up to the upgrade.
    // rebuild: a constant, because a closure is compiled with its `impl`, and a method in the module
    // of the marker.
    const CALL: ServeFn<S>;
}

/// The kind of a procedure: its HTTP method, or WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// GET, with its input in the query.
    Get,
    /// POST, with its input in the body.
    Post,
    /// A WebSocket.
    Ws,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Ws => "WS",
        })
    }
}

/// A procedure as data, known at compile time.
#[derive(Clone, Copy)]
pub struct ProcedureInfo {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) docs: &'static str,
    pub(crate) input: Option<InputInfo>,
    /// What the handlers of a `ws` procedure read of the query.
    pub(crate) params: &'static [ParamsInfo],
    /// `None` if the answer is not JSON (`Raw`).
    pub(crate) output: Option<OutputInfo>,
    pub(crate) events: Option<EventsInfo>,
    pub(crate) place: &'static Location<'static>,
}

#[derive(Clone, Copy)]
pub(crate) struct InputInfo {
    pub(crate) schema: SchemaOf,
    pub(crate) optional: bool,
}

/// The query of a socket, as one extractor reads it.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct ParamsInfo {
    pub(crate) schema: SchemaOf,
    pub(crate) optional: bool,
}

impl ParamsInfo {
    pub(crate) const fn new(schema: SchemaOf) -> Self {
        Self { schema, optional: false }
    }

    /// The same with whether it may be missing.
    #[must_use]
    pub const fn optional(mut self, optional: bool) -> Self {
        self.optional = optional;
        self
    }
}

#[derive(Clone, Copy)]
pub(crate) struct EventsInfo {
    pub(crate) incoming: fn() -> Vec<EventInfo>,
    pub(crate) outgoing: fn() -> Vec<EventInfo>,
    /// The procedure's marker.
    pub(crate) marker: TypeId,
    /// The presence, if the procedure has one.
    pub(crate) presence: Option<PresenceInfo>,
    /// The history: messages of a room, and milliseconds.
    pub(crate) history: Option<(u32, u64)>,
}

/// The presence of a procedure as data.
#[derive(Clone, Copy)]
pub(crate) struct PresenceInfo {
    /// What a client says about itself.
    pub(crate) status: SchemaOf,
    /// The public description of a member.
    pub(crate) info: SchemaOf,
    pub(crate) check: CheckState,
}

/// One event as data.
#[derive(Clone)]
pub(crate) struct EventInfo {
    pub(crate) name: &'static str,
    pub(crate) docs: &'static str,
    pub(crate) schema: SchemaOf,
    pub(crate) recode: Recode,
    pub(crate) delivery: Delivery,
    /// Whether it is never kept in history.
    pub(crate) forget: bool,
    pub(crate) reply: Option<SchemaOf>,
    pub(crate) ask: Option<SchemaOf>,
}

impl EventInfo {
    /// The field of the payload by which an event is `latest`, by its wire name.
    pub(crate) fn latest_by(&self) -> Option<String> {
        match self.delivery {
            Delivery::Latest(Some(field)) => wire_field(self.schema, field),
            _ => None,
        }
    }
}

fn events<E: Events>() -> Vec<EventInfo> {
    let mut events = Vec::with_capacity(E::EVENTS.len());
    // rebuild: an index loop, because iterator adapters would be instantiated again for every set.
    while events.len() < E::EVENTS.len() {
        let event = E::EVENTS[events.len()];
        events.push(EventInfo {
            name: event.name(),
            docs: event.docs(),
            schema: event.schema(),
            recode: event.recode(),
            delivery: event.delivery(),
            forget: event.is_forgotten(),
            reply: event.reply(),
            ask: event.ask(),
        });
    }
    events
}

impl EventsInfo {
    /// The bounds of the history, if there is one.
    pub(crate) fn keep(&self) -> Option<Keep> {
        keep_of(self.history)
    }

    /// The classes of delivery, as the hub needs them.
    pub(crate) fn classes(&self) -> Classes {
        Classes::new(&classes((self.incoming)()), classes((self.outgoing)()))
    }
}

fn classes(events: Vec<EventInfo>) -> Vec<EventClass> {
    let class = |event: EventInfo| EventClass {
        name: event.name,
        delivery: event.delivery,
        forget: event.forget,
        field: event.latest_by(),
    };
    events.into_iter().map(class).collect()
}

/// How much of each room is kept: so many messages, for so many milliseconds.
pub(crate) fn keep_of(history: Option<(u32, u64)>) -> Option<Keep> {
    let (count, millis) = history?;
    Some(Keep { count, age: Duration::from_millis(millis) })
}

/// The classes of what is only sent.
#[cfg(feature = "redis")]
pub(crate) fn outgoing_classes<E: Events>() -> Classes {
    Classes::new(&[], classes(events::<E>()))
}

/// The wire name of the payload's field `field`, found in its schema: serde may rename it.
fn wire_field(schema: SchemaOf, field: &str) -> Option<String> {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let schema = schema(&mut settings.into_generator()).to_value();
    let properties = schema.get("properties")?.as_object()?;
    let plain = |name: &str| name.replace(['_', '-'], "").to_lowercase();
    let same = |name: &&String| plain(name) == plain(field);
    let found = properties.keys().find(|name| *name == field);
    found.or_else(|| properties.keys().find(same)).cloned()
}

impl ProcedureInfo {
    const fn new(name: &'static str, kind: Kind, place: &'static Location<'static>) -> Self {
        Self { name, kind, docs: "", input: None, params: &[], output: None, events: None, place }
    }

    /// A GET procedure that answers with `A`.
    #[track_caller]
    pub const fn get<A: Answer<M>, M>(name: &'static str) -> Self {
        let mut info = Self::new(name, Kind::Get, Location::caller());
        info.output = A::INFO;
        info
    }

    /// A POST procedure that answers with `A`.
    #[track_caller]
    pub const fn post<A: Answer<M>, M>(name: &'static str) -> Self {
        let mut info = Self::new(name, Kind::Post, Location::caller());
        info.output = A::INFO;
        info
    }

    /// A procedure that answers, as its expansion says.
    #[track_caller]
    pub(crate) const fn answering(
        name: &'static str,
        kind: Kind,
        output: Option<OutputInfo>,
    ) -> Self {
        let mut info = Self::new(name, kind, Location::caller());
        info.output = output;
        info
    }

    /// A WebSocket procedure.
    #[track_caller]
    pub const fn ws<P: SocketProcedure>(name: &'static str) -> Self {
        let mut info = Self::new(name, Kind::Ws, Location::caller());
        info.events = Some(EventsInfo {
            incoming: events::<P::Incoming>,
            outgoing: events::<P::Outgoing>,
            marker: TypeId::of::<P>(),
            presence: None,
            history: None,
        });
        info
    }

    /// The same with its documentation.
    #[must_use]
    pub const fn docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    /// The same with what it reads of the query.
    #[must_use]
    pub const fn params(mut self, params: &'static [ParamsInfo]) -> Self {
        self.params = params;
        self
    }

    /// The same with the presence of `P`.
    #[must_use]
    pub const fn presence<P: PresenceProcedure>(mut self) -> Self {
        if let Some(events) = &mut self.events {
            events.presence = Some(PresenceInfo {
                status: P::STATUS.schema,
                info: P::INFO.schema,
                check: checked_state::<P>,
            });
        }
        self
    }

    /// The same with a history of so many messages for each room, each for so many milliseconds.
    #[must_use]
    pub const fn history(mut self, count: u32, millis: u64) -> Self {
        if let Some(events) = &mut self.events {
            events.history = Some((count, millis));
        }
        self
    }

    /// The same with an input.
    #[must_use]
    pub const fn input<T>(mut self, inputs: InputReader<T>) -> Self {
        self.input = Some(InputInfo { schema: inputs.schema, optional: inputs.optional });
        self
    }
}

impl fmt::Debug for ProcedureInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} at {}", self.kind, self.name, self.place)
    }
}
