//! Calls of procedures by their exact path and method, past axum's router.
//!
//! The router clones and boxes a route for each request, which costs about as much as everything else that
//! this crate does for a small answer. What it does not have to decide is called at once:
//!
//! ```text
//!  request ─▶ DirectRoutes ─▶ boundary ─▶ procedure      the path of a GET or POST procedure, its method
//!                  │
//!                  └────────▶ axum's router              WebSockets, layers, paths with parameters, HTTP/2,
//!                                                        other methods, merged routes, 404
//! ```
//!
//! A handler sees no difference: what the router would have added for extractors is added for those who
//! extract something.

use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use axum::body::{Body, HttpBody as _};
use axum::extract::{OriginalUri, Request};
use axum::response::Response;
use http::{Extensions, HeaderValue, Method, StatusCode, Version, header};
use tower::ServiceExt as _;

use crate::app_context::AppContext;
use crate::platform::HashMap;
use crate::procedure::{Kind, ReplyFuture, ServeFn};
use crate::request_context::{Added, RequestContext};

/// A procedure's function with its state.
type Call = Arc<dyn Fn(Request, Added) -> ReplyFuture + Send + Sync>;

/// How a procedure can be called past the router.
pub(crate) enum Direct<S> {
    /// It cannot: only the router knows its layers, or its kind.
    Never,
    Stateful(ServeFn<S>),
    Ready(Call),
}

impl<S: Clone + Send + Sync + 'static> Direct<S> {
    /// Gives it its state.
    pub(crate) fn with_state<S2>(self, state: S, context: Arc<AppContext>) -> Direct<S2> {
        match self {
            Self::Never => Direct::Never,
            Self::Ready(call) => Direct::Ready(call),
            Self::Stateful(call) => Direct::Ready(Arc::new(move |request, added| {
                let context = RequestContext::new(request, state.clone(), context.clone());
                call(context.lacking(added))
            })),
        }
    }
}

impl Direct<()> {
    /// The call on the route `path`; `None` if only the router can make it.
    pub(crate) fn on_route(
        self,
        path: &str,
        context: Arc<AppContext>,
    ) -> Option<impl Fn(Request, SocketAddr) -> ReplyFuture + Send + Sync + 'static> {
        let is_literal = !path.contains(['{', '}', '%', '*', ':']);
        let Direct::<()>::Ready(call) = self.with_state((), context) else { return None };
        let by_router = Arc::new(added_by_router(path).filter(|_| is_literal)?);
        Some(move |request, client| call(request, Added { by_router: by_router.clone(), client }))
    }
}

/// What axum's router adds to each request on `path`.
fn added_by_router(path: &str) -> Option<Extensions> {
    let answer = async |request: Request| {
        let mut response = Response::new(Body::empty());
        *response.extensions_mut() = request.into_parts().0.extensions;
        response
    };
    let router = axum::Router::new().route(path, axum::routing::any(answer));
    let request = Request::builder().uri(path).body(Body::empty()).ok()?;
    let answered = pin!(router.oneshot(request));
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(Ok(response)) = answered.poll(&mut context) else { return None };
    let mut added = response.into_parts().0.extensions;
    // It belongs to the request. Where it is missing, extractors take the request's own.
    added.remove::<OriginalUri>();
    Some(added)
}

/// The answer to a request.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// The procedures that can be called directly, by path.
#[derive(Default)]
pub(crate) struct DirectRoutes(HashMap<String, DirectRoute>);

/// One of them.
pub(crate) struct DirectRoute {
    method: Method,
    answer: Box<dyn Fn(Request, SocketAddr) -> Answering + Send + Sync>,
}

impl DirectRoutes {
    /// Adds a procedure; one for WebSockets is left to the router.
    pub(crate) fn add(
        &mut self,
        path: String,
        kind: Kind,
        answer: impl Fn(Request, SocketAddr) -> Answering + Send + Sync + 'static,
    ) {
        let method = match kind {
            Kind::Get => Method::GET,
            Kind::Post => Method::POST,
            Kind::Ws => return,
        };
        self.0.insert(path, DirectRoute { method, answer: Box::new(answer) });
    }

    /// The one that answers the request; the router answers what has none.
    pub(crate) fn find<B>(&self, request: &http::Request<B>) -> Option<&DirectRoute> {
        let route = self.0.get(request.uri().path())?;
        (route.method == *request.method() && request.version() == Version::HTTP_11)
            .then_some(route)
    }
}

impl DirectRoute {
    /// Answers a request of `client`.
    pub(crate) async fn answer(&self, request: Request, client: SocketAddr) -> Response {
        let mut response = (self.answer)(request, client).await;
        set_length(&mut response);
        response
    }
}

/// Says how long the answer is, as the router does. For most, hyper does so.
fn set_length(response: &mut Response) {
    if response.status() == StatusCode::OK {
        return;
    }
    if let Some(length) = response.body().size_hint().exact() {
        let headers = response.headers_mut();
        headers.entry(header::CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(length));
    }
}
