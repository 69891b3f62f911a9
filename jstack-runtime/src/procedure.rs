//! What generated code implements: a procedure, and the handlers of a WebSocket procedure.

use std::any::TypeId;
use std::convert::Infallible;
use std::fmt;
use std::future::{Future, ready};
use std::panic::Location;
use std::pin::Pin;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use schemars::JsonSchema;

use crate::call::Call;
use crate::closing::CloseReason;
use crate::error::{Error, Result};
use crate::events::Events;
use crate::http::answer;
use crate::http::sent::Inputs;
use crate::payload::{Described, SchemaOf};

/// What a procedure answers: `Err` is an answer as well, that of a refused request.
pub type Reply = std::result::Result<Response, Response>;

/// A request that a procedure serves.
pub type Running = Pin<Box<dyn Future<Output = Reply> + Send>>;

/// A procedure's `CALL`.
pub type Serve<S> = fn(Call<S>) -> Running;

/// Something that `router![]` can hold. `#[procedure]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be mounted on a router with the state `{S}`",
    note = "`router![]` takes the names of functions and modules that carry `#[procedure]`"
)]
pub trait Procedure<S>: Send + Sync + 'static {
    /// Name, kind and types, as data.
    const INFO: Info;

    /// Serves one request; for a WebSocket, everything up to the upgrade.
    // A constant: a closure is compiled where the `impl` stands, a method in the module of the marker.
    const CALL: Serve<S>;
}

/// A WebSocket procedure's events. Its marker type stands for it in [`Io`](crate::Io) and
/// [`Socket`](crate::Socket).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the marker of a WebSocket procedure",
    note = "write `chat::Procedure` for the module or function `chat` with `#[procedure(ws, …)]`"
)]
pub trait Ws: Send + Sync + 'static {
    /// What clients send.
    type Incoming: Events;
    /// What clients get.
    type Outgoing: Events;
}

/// The handlers of a module with `#[procedure(ws, …)]`.
pub trait Handlers: Ws {
    /// What `#[connect]` returned; `()` without it.
    type Session: Send + 'static;
    /// The extractors that handlers name, extracted once and cloned for each event.
    type Kept: Send + Sync + 'static;

    /// Hands one event to its handler.
    fn event(
        kept: &Self::Kept,
        session: &mut Self::Session,
        event: Self::Incoming,
    ) -> impl Future<Output = Result> + Send;

    /// Sees a frame that did not decode and a handler's `Err`, before the client is told. An `Err` of
    /// its own is logged and counted; the client is told of the first one alone.
    fn error(
        kept: &Self::Kept,
        session: &mut Self::Session,
        error: &Error,
    ) -> impl Future<Output = Result> + Send {
        let _ = (kept, session, error);
        // Not `async`, which would be a type more for every module.
        ready(Ok(()))
    }

    /// Runs once, after the last event. An `Err` is logged and counted: there is nobody to tell.
    fn disconnect(
        kept: Self::Kept,
        session: Self::Session,
        reason: CloseReason,
    ) -> impl Future<Output = Result> + Send {
        let _ = (&kept, &session, &reason);
        ready(Ok(()))
    }
}

/// How a procedure is reached.
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
pub struct Info {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) docs: &'static str,
    pub(crate) input: Option<InputInfo>,
    /// `None` where the answer is not JSON (`Raw`).
    pub(crate) output: Option<OutputInfo>,
    pub(crate) events: Option<EventsInfo>,
    pub(crate) place: &'static Location<'static>,
}

#[derive(Clone, Copy)]
pub(crate) struct InputInfo {
    pub(crate) schema: SchemaOf,
    pub(crate) optional: bool,
}

/// What is known of an answer at compile time.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct OutputInfo {
    pub(crate) schema: SchemaOf,
    pub(crate) superjson: bool,
    /// The answer is `()`.
    pub(crate) void: bool,
}

#[derive(Clone, Copy)]
pub(crate) struct EventsInfo {
    pub(crate) incoming: fn() -> Vec<EventInfo>,
    pub(crate) outgoing: fn() -> Vec<EventInfo>,
    /// The procedure's marker.
    pub(crate) marker: TypeId,
}

/// One event as data.
#[derive(Clone)]
pub(crate) struct EventInfo {
    pub(crate) name: &'static str,
    pub(crate) docs: &'static str,
    pub(crate) schema: SchemaOf,
}

fn events<E: Events>() -> Vec<EventInfo> {
    let mut events = Vec::with_capacity(E::EVENTS.len());
    // By hand, because iterators are compiled anew for every set.
    while events.len() < E::EVENTS.len() {
        let event = E::EVENTS[events.len()];
        let (name, docs, schema) = (event.name(), event.docs(), event.schema());
        events.push(EventInfo { name, docs, schema });
    }
    events
}

impl Info {
    const fn new(name: &'static str, kind: Kind, place: &'static Location<'static>) -> Self {
        Self { name, kind, docs: "", input: None, output: None, events: None, place }
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
    pub const fn ws<P: Ws>(name: &'static str) -> Self {
        let mut info = Self::new(name, Kind::Ws, Location::caller());
        info.events = Some(EventsInfo {
            incoming: events::<P::Incoming>,
            outgoing: events::<P::Outgoing>,
            marker: TypeId::of::<P>(),
        });
        info
    }

    /// The same with its documentation.
    #[must_use]
    pub const fn docs(mut self, docs: &'static str) -> Self {
        self.docs = docs;
        self
    }

    /// The same with an input.
    #[must_use]
    pub const fn input<T>(mut self, inputs: Inputs<T>) -> Self {
        self.input = Some(InputInfo { schema: inputs.schema, optional: inputs.optional });
        self
    }
}

impl fmt::Debug for Info {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} at {}", self.kind, self.name, self.place)
    }
}

/// An extractor of axum's kind, for `get` and `post`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an extractor for a router with the state `{S}`",
    label = "not an extractor",
    note = "extractors first, the input last; the input needs `input = …` in `#[procedure]`",
    note = "`State<T>` needs `T: FromRef<{S}>`"
)]
pub trait RequestExtractor<S>: Sized + Send {
    /// Extracts it, or answers the request with the rejection.
    fn extract(parts: &mut Parts, state: &S)
    -> impl Future<Output = Result<Self, Response>> + Send;
}

#[diagnostic::do_not_recommend]
impl<T: FromRequestParts<S> + Send, S: Send + Sync> RequestExtractor<S> for T {
    async fn extract(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match T::from_request_parts(parts, state).await {
            Ok(extracted) => Ok(extracted),
            Err(rejection) => Err(rejection.into_response()),
        }
    }
}

/// An extractor of axum's kind, for `ws`: it runs once, before the upgrade.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an extractor for a WebSocket handler",
    label = "not an extractor",
    note = "extractors first, the event's payload last",
    note = "`State<T>` needs `T: FromRef<{S}>`"
)]
pub trait SocketExtractor<S>: Sized + Send {
    /// Extracts it, or answers the request with the rejection.
    fn extract(parts: &mut Parts, state: &S)
    -> impl Future<Output = Result<Self, Response>> + Send;
}

#[diagnostic::do_not_recommend]
impl<T: FromRequestParts<S> + Send, S: Send + Sync> SocketExtractor<S> for T {
    async fn extract(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match T::from_request_parts(parts, state).await {
            Ok(extracted) => Ok(extracted),
            Err(rejection) => Err(rejection.into_response()),
        }
    }
}

/// An extractor that an event's handler names.
#[diagnostic::on_unimplemented(
    message = "the extractor `{Self}` must be `Clone`: it is extracted once a connection and cloned for each event",
    label = "cloned for each event",
    note = "derive `Clone` for it, or take it by value in `#[connect]`, which runs once",
    note = "if it is the session that `#[connect]` returns, write `&mut {Self}`"
)]
pub trait CloneExtractor {
    /// A clone for one event.
    #[must_use]
    fn kept(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> CloneExtractor for T {
    fn kept(&self) -> Self {
        self.clone()
    }
}

/// What a WebSocket handler may return where `T` is wanted: `T` itself, or a `Result` of it.
#[diagnostic::on_unimplemented(
    message = "a WebSocket handler cannot return `{Self}`",
    label = "expected `{T}` or `Result<{T}>`",
    note = "`#[on]` handlers return `()` or `Result`, `#[connect]` returns the session or a `Result` of it"
)]
pub trait Outcome<T> {
    /// As a result with the one error type.
    fn outcome(self) -> Result<T>;
}

impl<T> Outcome<T> for T {
    fn outcome(self) -> Result<T> {
        Ok(self)
    }
}

impl<T, E: Failure> Outcome<T> for Result<T, E> {
    fn outcome(self) -> Result<T> {
        self.map_err(Failure::error)
    }
}

/// What a handler may fail with: everything that turns into [`Error`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a handler cannot fail with `{Self}`",
    label = "`{Self}` does not turn into `jstack_runtime::Error`",
    note = "return `Error`, which `?` makes of every `std::error::Error` and `Error::bad_request(…)` of a text, or write `impl From<{Self}> for Error`"
)]
pub trait Failure {
    /// As the one error type.
    fn error(self) -> Error;
}

#[diagnostic::do_not_recommend]
impl<E: Into<Error>> Failure for E {
    fn error(self) -> Error {
        self.into()
    }
}

/// What a `get` or `post` handler may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the answer of a procedure",
    label = "not an answer",
    note = "an answer is `T` or `Result<T, E>` where `T` derives `Serialize` and `JsonSchema`, or `SuperJson<T>`, `()`, `Raw<impl IntoResponse>`, and `E` is `Error` or turns into one"
)]
pub trait Answer<M>: Sized {
    /// What is known of it at compile time.
    #[doc(hidden)]
    const INFO: Option<OutputInfo>;
    /// Writes it.
    fn answer(self) -> Reply;
}

/// Tells apart the ways of implementing [`Answer`].
#[doc(hidden)]
#[derive(Debug)]
pub struct Json(Infallible);
/// Tells apart the ways of implementing [`Answer`].
#[doc(hidden)]
#[derive(Debug)]
pub struct Fallible<M>(Infallible, std::marker::PhantomData<M>);
/// Tells apart the ways of implementing [`Answer`].
#[doc(hidden)]
#[derive(Debug)]
pub struct Special(Infallible);

#[diagnostic::do_not_recommend]
impl<T: serde::Serialize + JsonSchema + 'static> Answer<Json> for T {
    const INFO: Option<OutputInfo> =
        Some(OutputInfo { schema: <T as Described>::described, superjson: false, void: false });

    fn answer(self) -> Reply {
        if TypeId::of::<T>() == TypeId::of::<()>() {
            return Ok(answer::void());
        }
        let mut body = answer::buffer();
        let written = self.serialize(&mut serde_json::Serializer::new(&mut body));
        answer::json(body, written)
    }
}

impl<T: Answer<M>, M, E: Failure> Answer<Fallible<M>> for Result<T, E> {
    const INFO: Option<OutputInfo> = T::INFO;

    // With the expansion, as in `macros`: `Result` is of no module of the user's.
    #[allow(clippy::inline_always, reason = "what is inlined is compiled where it is called")]
    #[inline(always)]
    fn answer(self) -> Reply {
        match self {
            Ok(value) => value.answer(),
            Err(error) => Err(error.error().into_response()),
        }
    }
}
