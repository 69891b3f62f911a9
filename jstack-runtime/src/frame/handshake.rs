//! The opening handshake: may this request become a WebSocket, and what is answered?
//!
//! Two doors: an HTTP/1.1 `GET` that asks for an upgrade (RFC 6455), and an HTTP/2 extended
//! `CONNECT` (RFC 8441). Origin, authentication and the 101 itself belong to `ws/`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CONNECTION, HeaderName, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, Version};
use sha1::{Digest as _, Sha1};

use super::extensions::{NegotiatedDeflate, negotiate};

/// A request that may become a WebSocket. No subprotocol is ever chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// `Sec-WebSocket-Accept` of the 101; HTTP/2 answers 200 without it.
    pub(crate) accept: Option<HeaderValue>,
    pub(crate) deflate: Option<NegotiatedDeflate>,
}

/// Why a request cannot become a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A plain request for a WebSocket's URL: 426 with `Upgrade: websocket`.
    NotWebSocket,
    /// A version other than 13, or no version: 426 with `Sec-WebSocket-Version: 13`.
    Version,
    /// 400 with this sentence.
    BadRequest(&'static str),
    /// 405.
    Method,
}

/// Judges a request's head. `protocol` is the `:protocol` of an HTTP/2 `CONNECT`
/// (`hyper::ext::Protocol`); `deflate` says whether permessage-deflate may be agreed on.
pub(crate) fn check(
    method: &Method,
    version: Version,
    headers: &HeaderMap,
    protocol: Option<&str>,
    deflate: bool,
) -> Result<Accepted, Refusal> {
    let accept = if version >= Version::HTTP_2 {
        check_connect(method, headers, protocol)?;
        None
    } else {
        Some(check_upgrade(method, version, headers)?)
    };
    let deflate = if deflate && cfg!(feature = "deflate") {
        negotiate(headers.get_all(SEC_WEBSOCKET_EXTENSIONS).iter())
    } else {
        None
    };
    Ok(Accepted { accept, deflate })
}

fn check_connect(
    method: &Method,
    headers: &HeaderMap,
    protocol: Option<&str>,
) -> Result<(), Refusal> {
    match (method, protocol) {
        (&Method::CONNECT, Some(protocol)) if protocol.eq_ignore_ascii_case("websocket") => {
            check_version(headers)
        }
        (&Method::CONNECT, Some(_)) => {
            Err(Refusal::BadRequest("`:protocol` of an extended CONNECT must be `websocket`"))
        }
        (&Method::GET, _) => Err(Refusal::NotWebSocket),
        _ => Err(Refusal::Method),
    }
}

fn check_upgrade(
    method: &Method,
    version: Version,
    headers: &HeaderMap,
) -> Result<HeaderValue, Refusal> {
    if method != Method::GET {
        return Err(Refusal::Method);
    }
    if !offers_websocket(headers) {
        return Err(if headers.contains_key(SEC_WEBSOCKET_KEY) {
            Refusal::BadRequest(
                "a WebSocket request without `upgrade: websocket`: does a proxy remove the header?",
            )
        } else {
            Refusal::NotWebSocket
        });
    }
    if version != Version::HTTP_11 {
        return Err(Refusal::BadRequest("a WebSocket needs HTTP/1.1 or HTTP/2"));
    }
    if !has_token(headers, CONNECTION, "upgrade") {
        return Err(Refusal::BadRequest(
            "`connection` must contain `upgrade`: does a proxy replace the header?",
        ));
    }
    check_version(headers)?;
    let Some(key) = single(headers, SEC_WEBSOCKET_KEY).filter(|key| is_key(key)) else {
        return Err(Refusal::BadRequest("`sec-websocket-key` must be one key of 16 bytes, base64"));
    };
    HeaderValue::try_from(accept_for(key))
        .map_err(|_| Refusal::BadRequest("`sec-websocket-key` must be text"))
}

/// Whether `upgrade` names a WebSocket, among others maybe.
pub(crate) fn offers_websocket(headers: &HeaderMap) -> bool {
    has_token(headers, UPGRADE, "websocket")
}

fn check_version(headers: &HeaderMap) -> Result<(), Refusal> {
    match single(headers, SEC_WEBSOCKET_VERSION) {
        Some(b"13") => Ok(()),
        _ => Err(Refusal::Version),
    }
}

/// The header's value, if there is exactly one.
fn single(headers: &HeaderMap, name: HeaderName) -> Option<&[u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.as_bytes().trim_ascii())
}

/// Whether one of the comma separated lists of this header contains the token, in any case.
fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .any(|part| part.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

/// Sixteen bytes in base64 are 22 characters and two of padding.
fn is_key(key: &[u8]) -> bool {
    key.len() == 24
        && key.ends_with(b"==")
        && key[..22].iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

/// `Sec-WebSocket-Accept` for a client's key.
pub(crate) fn accept_for(key: &[u8]) -> String {
    let mut hash = Sha1::new();
    hash.update(key);
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(hash.finalize())
}
