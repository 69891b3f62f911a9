//! The handlers of a WebSocket procedure, as generated code implements them.

use std::future::ready;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::request::Parts;

use crate::close_reason::CloseReason;
use crate::error::{Error, IntoError, Result};
use crate::events::EncodedReply;
use crate::markers::SocketProcedure;
use crate::rooms::Identity;

/// The handlers of a module with `#[procedure(ws, …)]`.
pub trait Handlers: SocketProcedure {
    /// The session that `#[connect]` returns; `()` without it.
    type Session: Send + 'static;
    /// The extractors that handlers name, extracted once and cloned for each event.
    type Extractors: Send + Sync + 'static;

    /// Passes one event to its handler, and returns the reply.
    fn event(
        kept: &Self::Extractors,
        session: &mut Self::Session,
        event: Self::Incoming,
    ) -> impl Future<Output = Result<EncodedReply>> + Send;

    /// Runs for a frame that did not decode and for a handler's `Err`, before the client gets the
    /// error. Its own `Err` is logged and counted; the client gets only the first one.
    fn error(
        kept: &Self::Extractors,
        session: &mut Self::Session,
        error: &Error,
    ) -> impl Future<Output = Result> + Send {
        let _ = (kept, session, error);
        // rebuild: not `async`, which would add a type to every module.
        ready(Ok(()))
    }

    /// The identity of the connection, from `#[member]`.
    fn member(session: &Self::Session) -> Option<EncodedMember> {
        let _ = session;
        None
    }

    /// Runs once, after the last event. An `Err` is logged and counted.
    fn disconnect(
        kept: Self::Extractors,
        session: Self::Session,
        reason: CloseReason,
    ) -> impl Future<Output = Result> + Send {
        let _ = (&kept, &session, &reason);
        ready(Ok(()))
    }
}

/// The outcome of `#[member]`, encoded.
#[derive(Debug)]
pub struct EncodedMember(pub(crate) Result<Identity>);

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
    fn clone_for_event(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> CloneExtractor for T {
    fn clone_for_event(&self) -> Self {
        self.clone()
    }
}

/// A return type of a WebSocket handler for `T`: `T` itself, or a `Result` of it.
#[diagnostic::on_unimplemented(
    message = "a WebSocket handler cannot return `{Self}`",
    label = "expected `{T}` or `Result<{T}>`",
    note = "`#[on]` handlers return the `reply` that their event declares, or `()` or `Result` where it declares none",
    note = "`#[connect]` returns the session or a `Result` of it"
)]
pub trait IntoOutcome<T> {
    /// As a result with the one error type.
    fn outcome(self) -> Result<T>;
}

impl<T> IntoOutcome<T> for T {
    fn outcome(self) -> Result<T> {
        Ok(self)
    }
}

impl<T, E: IntoError> IntoOutcome<T> for Result<T, E> {
    fn outcome(self) -> Result<T> {
        self.map_err(IntoError::error)
    }
}
