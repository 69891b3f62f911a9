//! `Router`: procedures under one name.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, Route as AxumRoute};
use tower::{Layer, Service};

use crate::app_context::AppContext;
use crate::contract::Contract;
use crate::direct::Direct;
use crate::error::Error;
use crate::http::answer::Reply;
use crate::http::refusal::{error_of, log_failure};
use crate::platform;
use crate::procedure::{EventsInfo, Kind, Procedure, ProcedureInfo, ReplyFuture, ServeFn};
use crate::protocol::profile::Profile;
use crate::request_context::{Handover, RequestContext};
use crate::transport::PendingConnection;
use crate::untrusted::Untrusted;
use crate::ws::SocketExtension;

/// Procedures under one name, as [`router!`](crate::router!) makes it.
///
/// `S` is the state, as in axum.
///
/// ```
/// # use jstack_runtime::prelude::*;
/// #[procedure(get)]
/// async fn version() -> &'static str { "1.0" }
///
/// fn router() -> Router { router![version] }
/// ```
#[must_use]
pub struct Router<S = ()> {
    routes: Vec<Route<S>>,
}

/// One procedure, before it is known where it is mounted.
pub(crate) struct Route<S> {
    /// Relative to the router: `recent`, or `admin/recent` after a nest.
    pub(crate) path: String,
    pub(crate) info: ProcedureInfo,
    /// It keeps nothing in memory.
    pub(crate) stateless: bool,
    pub(crate) direct: Direct<S>,
    make: Box<dyn FnOnce(Arc<AppContext>) -> MethodRouter<S> + Send>,
}

impl<S: Clone + Send + Sync + 'static> Router<S> {
    /// An empty router; [`router!`](crate::router!) makes one with procedures.
    ///
    /// ```
    /// use jstack_runtime::Router;
    ///
    /// let router: Router = Router::new();
    /// assert!(router.describe().procedures().is_empty());
    /// ```
    pub fn new() -> Self {
        Self { routes: Vec::new() }
    }

    /// Adds a procedure by its marker, as [`router!`](crate::router!) does by its name.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// #[procedure(get)]
    /// async fn version() -> &'static str { "1.0" }
    ///
    /// let router: Router = Router::new().procedure(version::Procedure);
    /// assert_eq!(router.describe().procedures()[0].path, "version");
    /// ```
    // rebuild: always inlined, so that adding a procedure does not recompile this for all the others.
    #[allow(clippy::inline_always, reason = "what is inlined is compiled where it is called")]
    #[inline(always)]
    pub fn procedure<P: Procedure<S>>(mut self, _: P) -> Self {
        self.add(&P::INFO, P::CALL);
        self
    }

    fn add(&mut self, info: &ProcedureInfo, call: ServeFn<S>) {
        self.routes.push(Route::new(*info, call));
    }

    /// Adds the procedures of another router under the same name.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// # #[procedure(get)]
    /// # async fn recent() -> u32 { 0 }
    /// # #[procedure(get)]
    /// # async fn popular() -> u32 { 0 }
    /// let posts: Router = router![recent].merge(router![popular]);
    /// assert_eq!(posts.describe().procedures().len(), 2);
    /// ```
    pub fn merge(mut self, other: Self) -> Self {
        self.routes.extend(other.routes);
        self
    }

    /// Adds the procedures of another router one level deeper: under `admin`, `recent` is `admin/recent`.
    ///
    /// The stock client's types know two levels, so prefer [`App::mount`].
    ///
    /// [`App::mount`]: crate::App::mount
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// # #[procedure(get)]
    /// # async fn recent() -> u32 { 0 }
    /// let posts: Router = Router::new().nest("admin", router![recent]);
    /// assert_eq!(posts.describe().procedures()[0].path, "admin/recent");
    /// ```
    pub fn nest(mut self, name: &str, other: Self) -> Self {
        let name = name.trim_matches('/');
        self.routes.extend(other.routes.into_iter().map(|mut route| {
            route.path = format!("{name}/{}", route.path);
            route
        }));
        self
    }

    /// Wraps each procedure that was added so far in a tower layer.
    ///
    /// The layer that was added last runs first. What it puts into the request's extensions arrives by
    /// `Extension<T>`.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// #[derive(Clone)]
    /// struct Tenant(&'static str);
    ///
    /// #[procedure(get)]
    /// async fn tenant(Extension(Tenant(name)): Extension<Tenant>) -> String { name.to_owned() }
    ///
    /// let router: Router = router![tenant].layer(Extension(Tenant("acme")));
    /// ```
    pub fn layer<L>(self, layer: L) -> Self
    where
        L: Layer<AxumRoute> + Clone + Send + Sync + 'static,
        L::Service: Service<Request> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Response: IntoResponse + 'static,
        <L::Service as Service<Request>>::Error: Into<Infallible> + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        let routes = self
            .routes
            .into_iter()
            .map(|route| {
                let (make, layer) = (route.make, layer.clone());
                let make = Box::new(move |context| make(context).layer(layer));
                Route { make, direct: Direct::Never, ..route }
            })
            .collect();
        Self { routes }
    }

    /// Says of the GET and POST procedures that were added so far that they keep nothing in memory
    /// between calls, and read nothing that others keep there.
    ///
    /// On Cloudflare Workers such procedures run in the Worker that the request reaches, near the
    /// client; all others run in the one Durable Object that has the application's memory. What
    /// they emit goes to that object. Elsewhere it changes nothing, and for WebSocket procedures
    /// nowhere.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// #[procedure(get)]
    /// async fn version() -> &'static str { "1.0" }
    ///
    /// fn router() -> Router { router![version].stateless() }
    /// ```
    pub fn stateless(mut self) -> Self {
        for route in &mut self.routes {
            route.stateless = route.info.kind != Kind::Ws;
        }
        self
    }

    pub(crate) fn into_routes(self) -> Vec<Route<S>> {
        self.routes
    }

    /// The procedures as data, with paths relative to this router.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// assert!(Router::<()>::new().describe().procedures().is_empty());
    /// ```
    pub fn describe(&self) -> Contract {
        Contract::new("", self.routes.iter().map(|route| (route.path.clone(), route.info)))
    }
}

impl<S: Clone + Send + Sync + 'static> Route<S> {
    fn new(info: ProcedureInfo, call: ServeFn<S>) -> Self {
        let make = move |context| {
            let served = Served { call, events: info.events, context };
            match info.kind {
                Kind::Ws => axum::routing::any(served),
                Kind::Get => axum::routing::get(served).fallback(wrong_method),
                Kind::Post => axum::routing::post(served).fallback(wrong_method),
            }
        };
        let direct = match info.kind {
            Kind::Ws => Direct::Never,
            Kind::Get | Kind::Post => Direct::Stateful(call),
        };
        Self { path: info.name.to_owned(), info, stateless: false, direct, make: Box::new(make) }
    }
}

impl<S> Route<S> {
    /// As axum's route, and as it can be called directly.
    pub(crate) fn build(self, context: Arc<AppContext>) -> (MethodRouter<S>, Direct<S>) {
        ((self.make)(context), self.direct)
    }
}

impl<S: Clone + Send + Sync + 'static> Default for Router<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> fmt::Debug for Router<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let paths: Vec<_> = self.routes.iter().map(|route| &route.path).collect();
        f.debug_tuple("Router").field(&paths).finish()
    }
}

/// A procedure as axum's handler. Its type is erased here: what serves it is compiled once for
/// each state, not once for each procedure.
struct Served<S> {
    call: ServeFn<S>,
    events: Option<EventsInfo>,
    context: Arc<AppContext>,
}

impl<S> Clone for Served<S> {
    fn clone(&self) -> Self {
        Self { call: self.call, events: self.events, context: self.context.clone() }
    }
}

impl<S: Send + Sync + 'static> Handler<(), S> for Served<S> {
    type Future = ResponseFuture;

    fn call(self, request: Request, state: S) -> ResponseFuture {
        ResponseFuture(match self.events {
            Some(events) => Box::pin(handshake(self.call, events, self.context, request, state)),
            None => (self.call)(RequestContext::new(request, state, self.context)),
        })
    }
}

/// The answer of a procedure, a refusal included.
struct ResponseFuture(ReplyFuture);

impl Future for ResponseFuture {
    type Output = Response;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response> {
        self.0.as_mut().poll(cx).map(|(Ok(response) | Err(response))| response)
    }
}

/// Everything up to the upgrade: the handshake, the extractors and `#[connect]`.
async fn handshake<S: Send + Sync>(
    call: ServeFn<S>,
    events: EventsInfo,
    context: Arc<AppContext>,
    request: Request,
    state: S,
) -> Reply {
    let (mut parts, _) = request.into_parts();
    let timeout = context.limits().handshake_timeout;
    let profile = Profile::of(&parts.headers);
    let mut handover = None;
    let answer = async {
        let hub = context.hub_of(events.marker);
        let opening = PendingConnection::begin(&mut parts, hub, profile).await?;
        parts.extensions.insert(SocketExtension::new(&opening, events.marker));
        let opening = Handover::new(opening);
        handover = Some(opening.clone());
        call(RequestContext::opening(parts, state, context, opening)).await
    };
    let reply = platform::timeout(timeout, answer).await.unwrap_or_else(|_| {
        let late = Error::service_unavailable("the connection could not be opened in time");
        Err(late.into_response())
    });
    let Some(handover) = handover.filter(|_| profile.is_v1()) else { return reply };
    // What the procedure has not taken, it has refused.
    match handover.take() {
        Some(pending) => Ok(refuse(pending, reply).await),
        None => reply,
    }
}

/// Reports the refusal to a client of the profile `v1`, after the upgrade.
async fn refuse(pending: PendingConnection, reply: Reply) -> Response {
    let (Ok(mut refusal) | Err(mut refusal)) = reply;
    if refusal.status().is_server_error() {
        log_failure(&mut refusal);
    }
    pending.refuse(&error_of(refusal).await)
}

async fn wrong_method(request: Request) -> Response {
    let message = format!(
        "405 Method Not Allowed: {} is not for this procedure",
        Untrusted(request.method().as_str())
    );
    Error::with_code(http::StatusCode::METHOD_NOT_ALLOWED, "method", message).into_response()
}
