//! What differs between the versions of HTTP, made alike before anything else reads a request.
//!
//! Handlers, extractors and layers see every request as HTTP/1.1 sends it: one `host` header, a target
//! without scheme and host, and one `cookie` header. `te` and `connection` stay as they are: only the
//! upgrade reads them, and HTTP/2 has neither but `te: trailers`.

use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, Version, header};

use crate::error::{Error, Result};

/// Refuses a request of which it is unclear which host it is for (RFC 9112 §3.2, RFC 9113 §8.3.1): a
/// proxy before the server and the server itself could understand it differently.
pub(crate) fn check_host<B>(request: &Request<B>) -> Result {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    let authority = request.uri().authority();
    let wrong = match (first, second) {
        (_, Some(_)) => "the request has more than one `host` header",
        (None, None) if request.version() == Version::HTTP_11 => {
            "the request has no `host` header, which HTTP/1.1 requires"
        }
        (Some(host), None) if !is_host(host) => {
            "the request's `host` header is not a host, as `example.com:8080`"
        }
        (Some(host), None) if request.version() == Version::HTTP_2 => match authority {
            Some(authority) if !same_host(authority, host) => {
                "the request's `host` header and its `:authority` differ"
            }
            _ => return Ok(()),
        },
        _ => return Ok(()),
    };
    Err(Error::bad_request(wrong))
}

fn is_host(host: &HeaderValue) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-:_".contains(byte);
    let bytes = host.as_bytes();
    bytes.iter().all(plain) || !bytes.contains(&b'@') && Authority::try_from(bytes).is_ok()
}

fn same_host(authority: &Authority, host: &HeaderValue) -> bool {
    authority.as_str().as_bytes().eq_ignore_ascii_case(host.as_bytes())
}

/// Makes a request look alike in all versions.
pub(crate) fn unify<B>(request: &mut Request<B>) {
    if let (Some(authority), Some(target)) =
        (request.uri().authority(), request.uri().path_and_query())
    {
        let host = HeaderValue::from_str(authority.as_str());
        let target = Uri::from(target.clone());
        if let Ok(host) = host {
            request.headers_mut().insert(header::HOST, host);
            *request.uri_mut() = target;
        }
    }
    join_cookies(request.headers_mut());
}

/// HTTP/2 lets clients send a `cookie` field for each cookie, to compress them better, and wants
/// them joined before anybody sees them (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut cookies = headers.get_all(header::COOKIE).iter();
    let (Some(first), Some(second)) = (cookies.next(), cookies.next()) else { return };
    let mut joined = first.as_bytes().to_vec();
    for cookie in std::iter::once(second).chain(cookies) {
        joined.extend_from_slice(b"; ");
        joined.extend_from_slice(cookie.as_bytes());
    }
    // Each was a header's value, and so is this.
    if let Ok(joined) = HeaderValue::from_bytes(&joined) {
        headers.insert(header::COOKIE, joined);
    }
}

/// Whether a request asks to become a WebSocket. `Upgrade` alone is an offer, which curl makes of HTTP/2
/// and some clients of TLS, and to which the answer may be an ordinary one.
pub(crate) fn asks_for_websocket(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::CONNECT
        || method == Method::GET
            && headers.contains_key(header::UPGRADE)
            && crate::frame::handshake::offers_websocket(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(
        version: Version,
        uri: &str,
        headers: &[(&'static str, &'static str)],
    ) -> Request<()> {
        let mut request = Request::builder().version(version).uri(uri).body(()).unwrap();
        for (name, value) in headers {
            request.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        request
    }

    #[test]
    fn a_request_names_one_host() {
        use Version as V;
        for (version, uri, headers, right) in [
            (V::HTTP_11, "/", &[][..], false),
            (V::HTTP_10, "/", &[], true),
            (V::HTTP_2, "/", &[], true),
            (V::HTTP_11, "/", &[("host", "a.example")], true),
            (V::HTTP_11, "/", &[("host", "[::1]:8080")], true),
            (V::HTTP_11, "/", &[("host", "")], true),
            (V::HTTP_11, "/", &[("host", "a b")], false),
            (V::HTTP_11, "/", &[("host", "me@a.example")], false),
            (V::HTTP_11, "/", &[("host", "a/b")], false),
            (V::HTTP_11, "/", &[("host", "a"), ("host", "a")], false),
            (V::HTTP_10, "/", &[("host", "a"), ("host", "b")], false),
            (V::HTTP_11, "http://a/", &[], false),
            (V::HTTP_2, "https://a/", &[("host", "A")], true),
            (V::HTTP_2, "https://a/", &[("host", "b")], false),
        ] {
            let found = check_host(&request(version, uri, headers));
            assert_eq!(found.is_ok(), right, "{version:?} {uri} {headers:?}: {found:?}");
        }
    }

    #[test]
    fn what_handlers_see_does_not_depend_on_the_version() {
        let cookies = [("cookie", "a=1"), ("cookie", "sid=2"), ("cookie", "b=3; c=4")];
        let mut request = request(Version::HTTP_2, "https://a.example/api/x?y=1", &cookies);
        unify(&mut request);
        assert_eq!(*request.uri(), "/api/x?y=1");
        assert_eq!(request.headers()["host"], "a.example");
        let joined: Vec<_> = request.headers().get_all("cookie").iter().collect();
        assert_eq!(joined, ["a=1; sid=2; b=3; c=4"]);
        let before = format!("{request:?}");
        unify(&mut request);
        assert_eq!(format!("{request:?}"), before);
    }

    #[test]
    fn an_offer_to_upgrade_is_not_a_websocket() {
        for (method, upgrade, asks) in [
            (Method::GET, "websocket", true),
            (Method::GET, "TLS/1.2, WebSocket", true),
            (Method::GET, "h2c", false),
            (Method::GET, "TLS/1.2", false),
            (Method::GET, "websockets", false),
            (Method::POST, "websocket", false),
            (Method::CONNECT, "", true),
        ] {
            let headers = request(Version::HTTP_11, "/", &[("upgrade", upgrade)]).headers().clone();
            assert_eq!(asks_for_websocket(&method, &headers), asks, "{method} {upgrade}");
        }
    }
}
