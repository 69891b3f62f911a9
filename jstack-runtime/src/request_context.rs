//! One request on its way into a procedure, from which generated code extracts arguments.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::Extensions;
use http::request::Parts;
use parking_lot::Mutex;

use crate::app_context::AppContext;
use crate::error::{Error, Result};
use crate::http::answer::Reply;
use crate::http::extractor::RequestExtractor;
use crate::http::input::{self, RawInput};
use crate::http::note_client;
use crate::http::refusal::error_of;
use crate::limits::or_none;
use crate::markers::SocketProcedure;
use crate::net::bodies::BodyTurns;
use crate::protocol::profile::bearer;
use crate::rooms::Hub;
use crate::transport::{ConnectionFuture, OnOpen, PendingConnection};
use crate::ws::{Handlers, IntoOutcome, Receiver, Refresh, SocketExtractor};

/// One request on its way into a procedure.
///
/// Only generated code uses it.
pub struct RequestContext<S> {
    parts: Parts,
    body: Option<Body>,
    state: S,
    // rebuild: type-erased to keep debug info small. rustc would emit DWARF for everything reachable
    // from these types in every procedure's codegen unit.
    context: Arc<dyn Mounted>,
    opening: Option<Box<dyn Pending>>,
    /// What is added to the request when somebody extracts something.
    added: Option<Added>,
}

/// What a request lacks that came past the router. Most handlers never look for it, so it is added for
/// those who extract something.
pub(crate) struct Added {
    pub(crate) by_router: Arc<Extensions>,
    pub(crate) client: SocketAddr,
}

impl Added {
    fn to(self, extensions: &mut Extensions) {
        extensions.extend((*self.by_router).clone());
        note_client(self.client, extensions);
    }
}

/// The application that serves a request.
trait Mounted: Send + Sync {
    fn context(&self) -> &AppContext;
    fn share(self: Arc<Self>) -> Arc<AppContext>;
}

impl Mounted for AppContext {
    fn context(&self) -> &AppContext {
        self
    }

    fn share(self: Arc<Self>) -> Arc<AppContext> {
        self
    }
}

/// An upgrade that is under way.
trait Pending: Send + Sync {
    fn hub(&self) -> Arc<Hub>;
    fn accept(self: Box<Self>, run: OnOpen) -> Response;
}

/// A pending connection that the router can still refuse, until its procedure takes it.
#[derive(Clone)]
pub(crate) struct Handover {
    hub: Arc<Hub>,
    pending: Arc<Mutex<Option<PendingConnection>>>,
}

impl Handover {
    pub(crate) fn new(pending: PendingConnection) -> Self {
        Self { hub: pending.hub().clone(), pending: Arc::new(Mutex::new(Some(pending))) }
    }

    /// The connection, unless it was accepted.
    pub(crate) fn take(&self) -> Option<PendingConnection> {
        self.pending.lock().take()
    }
}

impl Pending for Handover {
    fn hub(&self) -> Arc<Hub> {
        self.hub.clone()
    }

    fn accept(self: Box<Self>, run: OnOpen) -> Response {
        match self.take() {
            Some(pending) => pending.accept(run),
            None => Error::internal("the upgrade was refused").into_response(),
        }
    }
}

/// `#[refresh]` with the extraction of its arguments.
pub type RefreshFn<S, T> = for<'a> fn(
    RequestContext<S>,
    &'a mut T,
) -> Pin<Box<dyn Future<Output = Extracted<()>> + Send + 'a>>;

type Refreshed<'a> = Pin<Box<dyn Future<Output = Result> + Send + 'a>>;

/// Runs `#[refresh]`; a refusal becomes the error of the answer.
fn run_refresh<S: Send + Sync + 'static, T: Send>(
    context: Result<RequestContext<S>>,
    session: &mut T,
    refresh: RefreshFn<S, T>,
) -> Refreshed<'_> {
    Box::pin(async move {
        match refresh(context?, session).await {
            Ok(()) => Ok(()),
            Err(refusal) => Err(error_of(refusal).await),
        }
    })
}

type Extracted<T> = std::result::Result<T, Response>;

impl<S: Send + Sync> RequestContext<S> {
    pub(crate) fn new(request: axum::extract::Request, state: S, context: Arc<AppContext>) -> Self {
        let (parts, body) = request.into_parts();
        Self { parts, body: Some(body), state, context, opening: None, added: None }
    }

    /// The same for a request that came past the router.
    pub(crate) fn lacking(mut self, added: Added) -> Self {
        self.added = Some(added);
        self
    }

    pub(crate) fn opening(
        parts: Parts,
        state: S,
        context: Arc<AppContext>,
        opening: Handover,
    ) -> Self {
        let opening: Option<Box<dyn Pending>> = Some(Box::new(opening));
        Self { parts, body: None, state, context, opening, added: None }
    }

    /// Puts this crate's values into the request extensions, for extractors.
    fn introduce(&mut self) {
        if let Some(added) = self.added.take() {
            added.to(&mut self.parts.extensions);
        }
        if self.parts.extensions.get::<Arc<AppContext>>().is_none() {
            self.parts.extensions.insert(self.context.clone().share());
        }
    }

    /// An extractor of a `get` or `post` handler.
    // The `Send` bound is explicit: inferring it at the call site fails for pinned states such as
    // `State<Arc<dyn Store>>` (higher-ranked lifetime).
    pub fn extract<T: RequestExtractor<S>>(&mut self) -> impl Future<Output = Extracted<T>> + Send {
        self.introduce();
        T::extract(&mut self.parts, &self.state)
    }

    /// An extractor of a WebSocket handler; it runs before the upgrade.
    pub fn extract_for_socket<T: SocketExtractor<S>>(
        &mut self,
    ) -> impl Future<Output = Extracted<T>> + Send {
        self.introduce();
        T::extract(&mut self.parts, &self.state)
    }

    /// The raw input of the request.
    // rebuild: the explicit `Send` saves rustc the analysis of the future for each procedure.
    #[allow(clippy::manual_async_fn, reason = "an `async fn` cannot say that it is `Send`")]
    pub fn input(&mut self) -> impl Future<Output = Extracted<RawInput<'_>>> + Send {
        async move {
            if self.parts.method != http::Method::POST {
                return Ok(RawInput::query(self.parts.uri.query()));
            }
            let body = self.body.take().unwrap_or_default();
            let limit = or_none(self.context.context().limits().body_bytes);
            let _turn = match self.parts.extensions.get::<BodyTurns>() {
                Some(turns) => turns.turn().await,
                None => None,
            };
            RawInput::body(&self.parts.headers, body, limit)
                .await
                .map_err(IntoResponse::into_response)
        }
    }

    /// Refuses a request without an input that a page of another origin could have sent.
    #[allow(clippy::manual_async_fn, reason = "an `async fn` cannot say that it is `Send`")]
    pub fn no_input(&mut self) -> impl Future<Output = Extracted<()>> + Send {
        async move {
            match &mut self.body {
                Some(body) if self.parts.method == http::Method::POST => {
                    let checked = input::no_input(&self.parts.headers, body).await;
                    checked.map_err(IntoResponse::into_response)
                }
                _ => Ok(()),
            }
        }
    }

    /// The outcome of `#[connect]`: the session, or the answer to the request.
    pub fn connected<T, O: IntoOutcome<T>>(&self, outcome: O) -> Extracted<T> {
        outcome.outcome().map_err(IntoResponse::into_response)
    }

    /// Answers with the upgrade; afterwards events go to the handlers of `P`.
    pub fn serve<P: Handlers>(self, session: P::Session, kept: P::Extractors) -> Reply {
        self.serve_with::<P>(session, kept, None)
    }

    /// Like [`serve`](Self::serve), for a module with `#[refresh]`: the function extracts its
    /// arguments from the handshake's request with the new token, and runs it.
    pub fn serve_refreshing<P: Handlers>(
        self,
        session: P::Session,
        kept: P::Extractors,
        refresh: RefreshFn<S, P::Session>,
    ) -> Reply
    where
        S: Clone + 'static,
    {
        let (parts, state, context) =
            (self.parts.clone(), self.state.clone(), self.context.clone());
        let refresh: Refresh<P::Session> = Box::new(move |token, session| {
            let (mut parts, state, context) = (parts.clone(), state.clone(), context.clone());
            let refreshed = match bearer(token.as_bytes()) {
                Some(value) => {
                    parts.headers.insert(http::header::AUTHORIZATION, value);
                    Ok(Self { parts, body: None, state, context, opening: None, added: None })
                }
                None => Err(Error::bad_request("a token is visible ASCII and not empty")),
            };
            run_refresh(refreshed, session, refresh)
        });
        self.serve_with::<P>(session, kept, Some(refresh))
    }

    fn serve_with<P: Handlers>(
        self,
        session: P::Session,
        kept: P::Extractors,
        refresh: Option<Refresh<P::Session>>,
    ) -> Reply {
        let hub = self.opening.as_ref().map(|opening| opening.hub());
        self.upgrade(Box::new(move |connection| -> ConnectionFuture {
            match connection {
                Some(connection) => {
                    Box::pin(crate::ws::serve::<P>(connection, session, kept, refresh))
                }
                None => crate::ws::disconnect_before_upgrade::<P>(hub, session, kept),
            }
        }))
    }

    /// Answers with the upgrade; afterwards `function` runs until it returns.
    pub fn run<P: SocketProcedure, F, Fut>(self, function: F) -> Reply
    where
        F: FnOnce(Receiver<P>) -> Fut + Send + 'static,
        Fut: Future<Output: IntoOutcome<()>> + Send + 'static,
    {
        self.upgrade(Box::new(move |connection| -> ConnectionFuture {
            Box::pin(crate::ws::run::<P, F, Fut>(connection, function))
        }))
    }

    fn upgrade(self, run: OnOpen) -> Reply {
        match self.opening {
            Some(opening) => Ok(opening.accept(run)),
            None => Err(Error::internal("no upgrade is under way").into_response()),
        }
    }
}

impl<S> fmt::Debug for RequestContext<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestContext")
            .field("uri", &self.parts.uri.path())
            .finish_non_exhaustive()
    }
}
