//! Profiles of the protocol, and how a client asks for one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use http::{HeaderMap, HeaderValue};

/// The profile of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Profile {
    /// `["event", data]` alone, as the stock client speaks it.
    #[default]
    Base,
    /// Texts and bytes of the application's own, without events.
    Raw,
    /// The extended profile, opted into by the subprotocol [`V1`].
    V1,
}

/// The subprotocol of the extended profile.
pub(crate) const V1: &str = "jstack.v1";
/// The prefix of a token among the offered subprotocols.
const BEARER: &str = "jstack.bearer.";
/// The longest token, in bytes.
const LONGEST_TOKEN: usize = 4096;

/// The subprotocols that a client offers, in its order.
pub(crate) fn offered(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

impl Profile {
    /// The profile that a client asks for.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        if offered(headers).any(|name| name == V1) { Self::V1 } else { Self::Base }
    }

    pub(crate) fn is_v1(self) -> bool {
        self == Self::V1
    }
}

/// Turns a token among the offered subprotocols into `Authorization: Bearer …`, unless the request
/// has that header already, and takes it out of the offer, so that nothing else sees it.
///
/// Fails for an entry that is not unpadded base64url of visible ASCII, or is longer than 4 KiB.
pub(crate) fn take_bearer(headers: &mut HeaderMap) -> Result<(), &'static str> {
    if !offered(headers).any(|name| name.starts_with(BEARER)) {
        return Ok(());
    }
    let mut others = Vec::new();
    let mut token = None;
    for name in offered(headers) {
        match name.strip_prefix(BEARER) {
            Some(encoded) if token.is_none() => token = Some(decoded(encoded)?),
            Some(_) => return Err("more than one `jstack.bearer.…` entry: offer one token"),
            None => others.push(name),
        }
    }
    let others = HeaderValue::try_from(others.join(", "));
    match others {
        Ok(others) if !others.is_empty() => {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, others);
        }
        _ => {
            headers.remove(SEC_WEBSOCKET_PROTOCOL);
        }
    }
    if let (Some(token), false) = (token, headers.contains_key(AUTHORIZATION)) {
        headers.insert(AUTHORIZATION, token);
    }
    Ok(())
}

fn decoded(encoded: &str) -> Result<HeaderValue, &'static str> {
    const WRONG: &str = "`jstack.bearer.` must be followed by a token of visible ASCII, as base64url \
                         without padding";
    if encoded.len() > LONGEST_TOKEN.div_ceil(3) * 4 {
        return Err("the token in `jstack.bearer.…` is longer than 4 KiB");
    }
    let token = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| WRONG)?;
    if token.len() > LONGEST_TOKEN {
        return Err("the token in `jstack.bearer.…` is longer than 4 KiB");
    }
    bearer(&token).ok_or(WRONG)
}

/// `Authorization: Bearer …` for a token; `None` if the token is not visible ASCII.
pub(crate) fn bearer(token: &[u8]) -> Option<HeaderValue> {
    if token.is_empty() || !token.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let mut value = HeaderValue::from_bytes(&[b"Bearer ", token].concat()).ok()?;
    // Keeps it out of debug output and logs.
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(offer: &str) -> HeaderMap {
        HeaderMap::from_iter([(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_str(offer).unwrap())])
    }

    #[test]
    fn a_token_becomes_the_authorization_header_and_leaves_the_offer() {
        let mut headers = headers("jstack.v1, jstack.bearer.YW5u, other");
        take_bearer(&mut headers).unwrap();
        assert_eq!(headers[AUTHORIZATION], "Bearer ann");
        assert!(headers[AUTHORIZATION].is_sensitive());
        assert_eq!(headers[SEC_WEBSOCKET_PROTOCOL], "jstack.v1, other");
        assert!(Profile::of(&headers).is_v1());
    }

    #[test]
    fn a_header_that_is_there_already_wins() {
        let mut headers = headers("jstack.bearer.YW5u");
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer bob"));
        take_bearer(&mut headers).unwrap();
        assert_eq!(headers[AUTHORIZATION], "Bearer bob");
        assert!(!headers.contains_key(SEC_WEBSOCKET_PROTOCOL));
    }

    #[test]
    fn what_is_not_a_token_is_refused_with_what_would_be_right() {
        let long = format!("jstack.bearer.{}", URL_SAFE_NO_PAD.encode("x".repeat(4097)));
        for offer in
            ["jstack.bearer.", "jstack.bearer.%%", "jstack.bearer.YQ==", "jstack.bearer.AA", &long]
        {
            assert!(take_bearer(&mut headers(offer)).is_err(), "{offer}");
        }
        let longest = format!("jstack.bearer.{}", URL_SAFE_NO_PAD.encode("x".repeat(4096)));
        assert!(take_bearer(&mut headers(&longest)).is_ok());
    }
}
