//! `/healthz` and `/readyz`.

use std::convert::Infallible;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, Method, Request, StatusCode, header};

use crate::app_context::AppContext;

/// The answer, if the request is one of these.
pub(super) fn answer<B>(
    request: &Request<B>,
    context: &AppContext,
) -> Option<Result<Response, Infallible>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return None;
    }
    let (status, text) = match request.uri().path() {
        "/healthz" => (StatusCode::OK, "ok".to_owned()),
        "/readyz" => ready(context),
        _ => return None,
    };
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, plain);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some(Ok(response))
}

fn ready(context: &AppContext) -> (StatusCode, String) {
    let process = context.node();
    if process.is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, "shutting down".to_owned());
    }
    match process.broker().trouble() {
        // Anybody may ask, and the reason names servers and users. It is in the log.
        Some(trouble) => {
            tracing::debug!(trouble, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "broker unavailable".to_owned())
        }
        None => (StatusCode::OK, "ok".to_owned()),
    }
}
