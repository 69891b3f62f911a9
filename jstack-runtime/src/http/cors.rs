//! What browsers must be told before they let a page of another origin read an answer.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

/// Whether a request asks for permission only, before the browser sends the real one.
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight request of an allowed `origin`.
pub(crate) fn preflight(origin: &HeaderValue) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    decorate(&mut response, origin);
    let headers = response.headers_mut();
    headers.remove(header::ACCESS_CONTROL_EXPOSE_HEADERS);
    headers
        .insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("content-type, x-is-superjson, authorization"),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// Lets a page of an allowed `origin` read the answer, with credentials: so the origin is
/// echoed, never `*`.
pub(crate) fn decorate(response: &mut Response, origin: &HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers
        .append(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("x-is-superjson"));
    vary(headers);
}

/// Says to caches that the answer differs with the origin; also when there was none to echo.
pub(crate) fn vary(headers: &mut HeaderMap) {
    let origin = |value: &HeaderValue| {
        value.to_str().is_ok_and(|names| {
            names.split(',').any(|name| matches!(name.trim(), "*" | "origin" | "Origin"))
        })
    };
    if !headers.get_all(header::VARY).iter().any(origin) {
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
}
