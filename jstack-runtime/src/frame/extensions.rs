//! `Sec-WebSocket-Extensions`: which offer of permessage-deflate is accepted, if any.
//!
//! An offer that cannot be read or accepted is declined, which is never an error: the client then
//! continues without compression.

use http::HeaderValue;

/// The window that frames are compressed with: 32 KiB, as a power of two.
const FULL_WINDOW: u8 = 15;

/// permessage-deflate as agreed with one client. Neither side keeps a context between messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NegotiatedDeflate {
    /// The answer for `Sec-WebSocket-Extensions`.
    pub(crate) response: HeaderValue,
    /// The window the client inflates with, as a power of two: 9 to 15.
    pub(crate) server_window_bits: u8,
}

/// Whether a compressed frame that all members share may go to a client with this window.
///
/// Frames are compressed with the full window. Within a message shorter than the client's window
/// no reference can reach beyond it, so these fit; longer ones are sent to this client as they
/// are, which RFC 7692 allows for any message.
#[cfg_attr(not(feature = "deflate"), allow(dead_code, reason = "nothing is compressed then"))]
pub(crate) fn fits(window_bits: u8, payload: usize) -> bool {
    window_bits >= FULL_WINDOW || payload <= 1 << window_bits
}

/// Chooses the first acceptable offer from the header's values, in order.
pub(super) fn negotiate<'a>(
    values: impl Iterator<Item = &'a HeaderValue>,
) -> Option<NegotiatedDeflate> {
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| Split::new(value, b','))
        .find_map(accept)
}

/// The answer to one offer; `None` declines it.
fn accept(offer: &str) -> Option<NegotiatedDeflate> {
    let mut parts = Split::new(offer, b';');
    if !parts.next()?.trim().eq_ignore_ascii_case("permessage-deflate") {
        return None;
    }
    let mut seen = [false; 4];
    let mut server_window_bits = FULL_WINDOW;
    for part in parts {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim(), Some(unquote(value.trim()))),
            None => (part.trim(), None),
        };
        let known = PARAMETERS.iter().position(|known| name.eq_ignore_ascii_case(known))?;
        if std::mem::replace(&mut seen[known], true) {
            return None;
        }
        match (known, value) {
            // Both are what the answer says anyway. The client's window is a hint: any size that
            // it compresses with can be inflated here, 8 included, which zlib turns into 9.
            (SERVER_NO_CONTEXT | CLIENT_NO_CONTEXT | CLIENT_WINDOW, None) => {}
            (CLIENT_WINDOW, Some(bits)) => {
                window_bits(bits)?;
            }
            (SERVER_WINDOW, Some(bits)) => {
                // 8 would be 256 bytes, a window that zlib cannot compress with.
                server_window_bits = window_bits(bits).filter(|bits| *bits > 8)?;
            }
            _ => return None,
        }
    }
    let mut response =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover".to_owned();
    if seen[SERVER_WINDOW] {
        response.push_str("; server_max_window_bits=");
        response.push_str(&server_window_bits.to_string());
    }
    Some(NegotiatedDeflate { response: HeaderValue::try_from(response).ok()?, server_window_bits })
}

const SERVER_NO_CONTEXT: usize = 0;
const CLIENT_NO_CONTEXT: usize = 1;
const SERVER_WINDOW: usize = 2;
const CLIENT_WINDOW: usize = 3;
const PARAMETERS: [&str; 4] = [
    "server_no_context_takeover",
    "client_no_context_takeover",
    "server_max_window_bits",
    "client_max_window_bits",
];

/// 8 to 15, written without leading zeros.
fn window_bits(text: &str) -> Option<u8> {
    let bits: u8 = text.parse().ok()?;
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    (plain && (8..=15).contains(&bits)).then_some(bits)
}

/// A value may be a quoted string. None that means anything here needs an escape.
fn unquote(value: &str) -> &str {
    value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value)
}

/// Splits at a separator that is not inside a quoted string.
struct Split<'a> {
    rest: Option<&'a str>,
    separator: u8,
}

impl<'a> Split<'a> {
    fn new(text: &'a str, separator: u8) -> Self {
        Self { rest: Some(text), separator }
    }
}

impl<'a> Iterator for Split<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.take()?;
        let mut quoted = false;
        let mut escaped = false;
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ if byte == self.separator && !quoted => {
                    // The separator is ASCII, so both sides of it are text.
                    self.rest = rest.get(at + 1..);
                    return rest.get(..at);
                }
                _ => {}
            }
        }
        Some(rest)
    }
}
