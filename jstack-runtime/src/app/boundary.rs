//! The boundary around every procedure: origins and CORS, panics, and the form of errors.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use tower::{Layer, Service};

use crate::app_context::AppContext;
use crate::direct::Answering;
use crate::error::Error;
use crate::guard::caught;
use crate::http::cors::{self, Gate};
use crate::http::origin::Secure;
use crate::http::refusal::log_failure;
use crate::http::{problem, versions};
use crate::procedure::ReplyFuture;
use crate::protocol::profile::take_bearer;

/// Wraps every procedure in the boundary.
#[derive(Clone)]
pub(crate) struct BoundaryLayer {
    context: Arc<AppContext>,
    in_foreign_server: bool,
}

impl BoundaryLayer {
    /// `in_foreign_server` says that another server calls the procedures. This crate's server checks
    /// hosts itself, because it knows the connection.
    pub(crate) fn new(context: Arc<AppContext>, in_foreign_server: bool) -> Self {
        Self { context, in_foreign_server }
    }
}

impl<T> Layer<T> for BoundaryLayer {
    type Service = Boundary<T>;

    fn layer(&self, inner: T) -> Boundary<T> {
        let in_foreign_server = self.in_foreign_server;
        Boundary { inner, context: self.context.clone(), in_foreign_server }
    }
}

#[derive(Clone)]
pub(crate) struct Boundary<T> {
    inner: T,
    context: Arc<AppContext>,
    in_foreign_server: bool,
}

impl<T> Service<Request> for Boundary<T>
where
    T: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    T::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        // Again, for routers that another server serves.
        versions::unify(&mut request);
        let admitted = match admit(&self.context, self.in_foreign_server, &mut request) {
            Ok(admitted) => admitted,
            Err(refusal) => return Box::pin(std::future::ready(Ok(*refusal))),
        };
        let future = self.inner.call(request);
        Box::pin(async move {
            let response = match caught(future).await {
                Ok(Ok(response)) => response,
                Ok(Err(never)) => match never {},
                Err(_) => panicked(),
            };
            Ok(admitted.finish(response))
        })
    }
}

impl BoundaryLayer {
    /// Wraps the call of one procedure, which comes from this crate's server.
    pub(crate) fn around(
        &self,
        call: impl Fn(Request, SocketAddr) -> ReplyFuture + Send + Sync + 'static,
    ) -> impl Fn(Request, SocketAddr) -> Answering + Send + Sync + 'static {
        let context = self.context.clone();
        move |mut request, client| {
            let admitted = match admit(&context, false, &mut request) {
                Ok(admitted) => admitted,
                Err(refusal) => return Box::pin(std::future::ready(*refusal)),
            };
            let reply = call(request, client);
            Box::pin(async move {
                let response = match caught(reply).await {
                    Ok(Ok(response) | Err(response)) => response,
                    Err(_) => panicked(),
                };
                admitted.finish(response)
            })
        }
    }
}

/// What is known of a request that may pass, for its answer.
struct Admitted {
    origin: Option<HeaderValue>,
    wants_problem: bool,
}

/// Lets a request pass, or refuses it.
fn admit(
    context: &AppContext,
    in_foreign_server: bool,
    request: &mut Request,
) -> Result<Admitted, Box<Response>> {
    // Before any layer or extractor, so that one extractor serves requests and sockets.
    if let Err(wrong) = take_bearer(request.headers_mut()) {
        return Err(Box::new(Error::bad_request(wrong).into_response()));
    }
    let secure = request.extensions().get::<Secure>().is_some();
    let (headers, uri) = (request.headers(), request.uri());
    let wants_problem = headers.contains_key(header::ACCEPT) && problem::wanted(headers);
    let refused = |mut response: Response| {
        if wants_problem {
            problem::rewrite(&mut response);
        }
        Box::new(response)
    };
    if in_foreign_server && let Err(error) = context.hosts().check(headers, uri, false) {
        context.node().meters().refused.host.increment(1);
        return Err(refused(error.into_response()));
    }
    let gate = cors::gate(
        context.origins(),
        context.allowed_headers(),
        request.method(),
        headers,
        uri,
        secure,
    );
    match gate {
        Gate::Open(origin) => Ok(Admitted { origin, wants_problem }),
        Gate::Closed(response) => {
            if response.status() == StatusCode::FORBIDDEN {
                context.node().meters().refused.origin.increment(1);
            }
            Err(refused(response))
        }
    }
}

impl Admitted {
    fn finish(&self, response: Response) -> Response {
        finish(response, self.origin.as_ref(), self.wants_problem)
    }
}

fn panicked() -> Response {
    Error::internal("a handler panicked").into_response()
}

fn finish(mut response: Response, origin: Option<&HeaderValue>, wants_problem: bool) -> Response {
    if response.status().is_server_error() {
        let id = log_failure(&mut response);
        if let Ok(id) = HeaderValue::try_from(id) {
            response.headers_mut().insert("x-request-id", id);
        }
    }
    if wants_problem {
        problem::rewrite(&mut response);
    }
    // A cache must not give one origin's answer to another; an upgrade is never cached.
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        cors::finish(&mut response, origin);
    }
    response
}
