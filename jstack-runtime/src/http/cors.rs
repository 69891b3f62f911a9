//! The headers that browsers need before a page of another origin may read an answer.

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::header::Entry;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};

use crate::http::allowed_headers::AllowedHeaders;
use crate::http::origin::{Decision, Origins};
use crate::http::versions::asks_for_websocket;

/// What becomes of a request, by the page that it comes from.
#[derive(Debug)]
pub(crate) enum Gate {
    /// It is served, and its answer gets [`finish`]ed with the origin, if it has one.
    Open(Option<HeaderValue>),
    /// It reaches no procedure; this is its answer.
    Closed(Response),
}

/// Decides before anything else looks at the request: so a refused page's POST runs no handler,
/// though the browser sent it without asking, and a 404 is readable for an allowed one.
pub(crate) fn gate(
    origins: &Origins,
    allowed_headers: &AllowedHeaders,
    method: &Method,
    headers: &HeaderMap,
    uri: &Uri,
    secure: bool,
) -> Gate {
    let decision = if asks_for_websocket(method, headers) {
        origins.check_upgrade(headers, uri, secure)
    } else {
        origins.check(headers, uri, secure)
    };
    match decision {
        Decision::Absent => Gate::Open(None),
        Decision::Allowed(origin) if is_preflight(method, headers) => {
            Gate::Closed(preflight(&origin, allowed_headers))
        }
        Decision::Allowed(origin) => Gate::Open(Some(origin)),
        Decision::Refused(error) => {
            let mut response = error.into_response();
            vary(response.headers_mut());
            Gate::Closed(response)
        }
    }
}

/// Adds to an answer what the origin that [`gate`] let through needs.
pub(crate) fn finish(response: &mut Response, origin: Option<&HeaderValue>) {
    match origin {
        Some(origin) => decorate(response, origin),
        None => vary(response.headers_mut()),
    }
}

/// Whether a request asks for permission only, before the browser sends the real one.
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(header::ORIGIN)
        && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to a preflight request of an allowed `origin`.
pub(super) fn preflight(origin: &HeaderValue, allowed_headers: &AllowedHeaders) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    decorate(&mut response, origin);
    let headers = response.headers_mut();
    headers.remove(header::ACCESS_CONTROL_EXPOSE_HEADERS);
    headers
        .insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, HEAD, POST"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, allowed_headers.value());
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    response
}

/// Lets a page of an allowed `origin` read the answer, with credentials: so the origin is
/// echoed, never `*`.
pub(super) fn decorate(response: &mut Response, origin: &HeaderValue) {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers
        .append(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("x-is-superjson"));
    vary(headers);
}

/// Says to caches that the answer differs with the origin; also when there was none to echo.
pub(super) fn vary(headers: &mut HeaderMap) {
    let origin = HeaderValue::from_static("origin");
    match headers.entry(header::VARY) {
        Entry::Vacant(none) => drop(none.insert(origin)),
        Entry::Occupied(said) if said.iter().any(names_origin) => {}
        Entry::Occupied(mut said) => said.append(origin),
    }
}

fn names_origin(vary: &HeaderValue) -> bool {
    vary.to_str().is_ok_and(|names| {
        names.split(',').any(|name| matches!(name.trim(), "*" | "origin" | "Origin"))
    })
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;
    use crate::error::Error;

    const ORIGIN: HeaderValue = HeaderValue::from_static("https://a.example");

    fn all<'a>(response: &'a Response, name: &str) -> Vec<&'a str> {
        response.headers().get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
    }

    #[test]
    fn a_preflight_request_learns_all_that_stock_clients_need() {
        let response = preflight(&ORIGIN, &AllowedHeaders::default());
        assert_eq!(response.status(), 204);
        for (name, value) in [
            ("access-control-allow-origin", "https://a.example"),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-methods", "GET, HEAD, POST"),
            ("access-control-allow-headers", "content-type, x-is-superjson, authorization"),
            ("access-control-max-age", "600"),
            ("vary", "origin"),
        ] {
            assert_eq!(all(&response, name), [value], "{name}");
        }
    }

    #[test]
    fn an_error_is_readable_for_the_page_too() {
        let mut response = Error::not_found("404 Not Found").into_response();
        decorate(&mut response, &ORIGIN);
        assert_eq!(all(&response, "access-control-allow-origin"), ["https://a.example"]);
        assert_eq!(all(&response, "access-control-allow-credentials"), ["true"]);
        assert_eq!(all(&response, "access-control-expose-headers"), ["x-is-superjson"]);
        assert_eq!(all(&response, "vary"), ["origin"]);
    }

    #[test]
    fn what_a_handler_exposes_or_varies_with_is_kept() {
        let mut response = [
            ("vary", "accept, Origin"),
            ("access-control-expose-headers", "x-total"),
            ("access-control-allow-origin", "*"),
        ]
        .into_response();
        decorate(&mut response, &ORIGIN);
        assert_eq!(all(&response, "vary"), ["accept, Origin"]);
        assert_eq!(all(&response, "access-control-expose-headers"), ["x-total", "x-is-superjson"]);
        assert_eq!(all(&response, "access-control-allow-origin"), ["https://a.example"]);
    }

    fn gated(method: &Method, pairs: &[(&'static str, &'static str)]) -> Gate {
        let origins = Origins::from(["https://a.example"]);
        let headers = pairs
            .iter()
            .map(|(name, value)| {
                (http::HeaderName::from_static(name), HeaderValue::from_static(value))
            })
            .collect();
        let allowed = AllowedHeaders::list(["traceparent"]);
        gate(&origins, &allowed, method, &headers, &Uri::from_static("/"), false)
    }

    #[test]
    fn a_refused_page_reaches_no_handler_by_any_method() {
        let evil = ("origin", "https://evil.example");
        let asks = ("access-control-request-method", "POST");
        for method in [Method::GET, Method::HEAD, Method::POST, Method::OPTIONS] {
            let Gate::Closed(response) = gated(&method, &[evil, asks]) else {
                panic!("let through")
            };
            assert_eq!(response.status(), 403);
            assert_eq!(all(&response, "access-control-allow-origin"), [""; 0]);
            assert_eq!(all(&response, "vary"), ["origin"]);
        }
    }

    #[test]
    fn an_allowed_page_and_a_program_without_origin_are_served() {
        let good = ("origin", "https://a.example");
        let asks = ("access-control-request-method", "POST");
        let Gate::Open(Some(echo)) = gated(&Method::POST, &[good]) else { panic!("refused") };
        assert_eq!(echo, ORIGIN);
        let Gate::Closed(response) = gated(&Method::OPTIONS, &[good, asks]) else {
            panic!("served")
        };
        assert_eq!(response.status(), 204);
        let headers = all(&response, "access-control-allow-headers");
        assert_eq!(headers, ["content-type, x-is-superjson, authorization, traceparent"]);
        assert!(matches!(gated(&Method::POST, &[]), Gate::Open(None)));

        let mut response = Response::new(Body::empty());
        finish(&mut response, None);
        assert_eq!(all(&response, "vary"), ["origin"]);
        assert_eq!(response.headers().len(), 1);
        let mut response = Response::new(Body::empty());
        finish(&mut response, Some(&echo));
        assert_eq!(all(&response, "access-control-allow-origin"), ["https://a.example"]);
    }

    #[test]
    fn only_options_with_both_headers_is_a_preflight_request() {
        let mut headers = HeaderMap::new();
        assert!(!is_preflight(&Method::OPTIONS, &headers));
        headers.insert(header::ORIGIN, ORIGIN);
        assert!(!is_preflight(&Method::OPTIONS, &headers));
        headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("POST"));
        assert!(is_preflight(&Method::OPTIONS, &headers));
        assert!(!is_preflight(&Method::POST, &headers));
    }
}
