//! Frames that the server itself writes: errors, answers, and those of the profile `v1`.

use std::io::Write as _;
use std::time::Duration;

use serde::Serialize;

use crate::close_reason::{CloseReason, ClosedBy};
use crate::error::{Error, Issue};
use crate::frame::{self, HEADROOM, Opcode};
use crate::history::{Entry, Epoch, GapReason, Page, Position};

/// The body of the `error` event.
#[derive(Serialize)]
struct ErrorEvent<'a> {
    event: Option<&'a str>,
    #[serde(flatten)]
    error: ErrorBody<'a>,
}

/// The part of an error that a client reads. A server fault shows nothing internal.
#[derive(Serialize)]
struct ErrorBody<'a> {
    code: &'a str,
    message: &'a str,
    issues: &'a [Issue],
}

impl<'a> ErrorBody<'a> {
    fn new(error: &'a Error) -> Self {
        let issues = if error.status().is_server_error() { &[][..] } else { error.issues() };
        Self { code: error.code(), message: error.message(), issues }
    }
}

/// The third element of a frame that answers a request.
#[derive(Serialize)]
struct Id<'a> {
    i: &'a str,
}

/// The `error` event for one client.
pub(crate) fn error(event: Option<&str>, error: &Error) -> Vec<u8> {
    text_frame(&("error", ErrorEvent { event, error: ErrorBody::new(error) }))
}

/// `["pong",null]`.
pub(crate) fn pong() -> Vec<u8> {
    text_frame(&("pong", ()))
}

/// `["$tick",null]`.
pub(crate) fn tick() -> Vec<u8> {
    text_frame(&("$tick", ()))
}

/// `["$ok",value,{"i":id}]`, for a value that is JSON already.
pub(crate) fn ok(value: &[u8], id: &str) -> Vec<u8> {
    let mut buffer = vec![0; HEADROOM];
    buffer.extend_from_slice(b"[\"$ok\",");
    buffer.extend_from_slice(value);
    buffer.push(b',');
    // A string always encodes.
    let _ = serde_json::to_writer(&mut buffer, &Id { i: id });
    buffer.push(b']');
    framed(buffer)
}

/// `["$err",{…},{"i":id}]`.
pub(crate) fn err(error: &Error, id: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct Body<'a> {
        #[serde(flatten)]
        error: ErrorBody<'a>,
        status: u16,
        /// Milliseconds after which another try makes sense.
        #[serde(skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
    }
    let after = error.retry_delay().map(whole_millis);
    let body = Body { error: ErrorBody::new(error), status: error.status().as_u16(), after };
    text_frame(&("$err", body, Id { i: id }))
}

/// A time in milliseconds, rounded up: who waits that long is not too early.
pub(crate) fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// A question: `text` is its frame without the closing bracket.
pub(crate) fn question(text: &[u8], id: &str) -> Vec<u8> {
    let mut buffer = vec![0; HEADROOM];
    buffer.extend_from_slice(text);
    buffer.push(b',');
    let _ = serde_json::to_writer(&mut buffer, &Id { i: id });
    buffer.push(b']');
    framed(buffer)
}

/// The content of a connection's first frame.
#[derive(Serialize)]
pub(crate) struct Welcome<'a> {
    pub(crate) v: u8,
    pub(crate) id: String,
    /// Milliseconds.
    pub(crate) ping: u64,
    /// Bytes of one message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<u32>,
    /// Messages a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rate: Option<u32>,
    pub(crate) classes: &'a serde_json::Value,
    /// Whether rooms have a history: after a reconnect the client may ask for what it missed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) history: bool,
    /// Milliseconds until the credentials expire.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ttl: Option<u64>,
}

/// `["$welcome",{…}]`.
pub(crate) fn welcome(welcome: &Welcome<'_>) -> Vec<u8> {
    text_frame(&("$welcome", welcome))
}

/// Sent to a client before the server closes the connection.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Bye<'a> {
    pub(crate) code: &'a str,
    pub(crate) message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// Whether the client should come back.
    pub(crate) retry: bool,
    /// Milliseconds after which it should.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<u64>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub(crate) issues: &'a [Issue],
}

impl<'a> Bye<'a> {
    /// The `$bye` for a close; `None` for a close that the server did not choose.
    pub(crate) fn of(reason: &'a CloseReason, after: Option<u64>) -> Option<Self> {
        let (code, retry) = match (reason.by(), reason.code()) {
            (ClosedBy::Client | ClosedBy::Lost, _) => return None,
            (ClosedBy::Shutdown, _) => ("draining", true),
            (ClosedBy::Failure, _) => ("internal", true),
            (ClosedBy::Limit, 1013) => ("slow_reader", true),
            (ClosedBy::Limit, 1009) => ("too_large", false),
            (ClosedBy::Limit, 1008) => ("policy", false),
            (ClosedBy::Limit, _) => ("protocol", true),
            (ClosedBy::Server, code) => ("closed", !is_final(code)),
        };
        let status = status_of(reason.code());
        let code = match status {
            Some(status) if reason.by() == ClosedBy::Server => status_code(status),
            _ => code,
        };
        Some(Self { code, message: reason.reason(), status, retry, after, issues: &[] })
    }
}

/// Whether a client must not come back after a close with this code that the application chose.
pub(crate) fn is_final(code: u16) -> bool {
    matches!(code, 1000 | 1008 | 1009 | 4400..=4407 | 4409..=4428 | 4430..=4499)
}

/// The HTTP status that a close code means.
fn status_of(code: u16) -> Option<u16> {
    (4400..=4599).contains(&code).then(|| code - 4000)
}

/// The close code of a refusal with this status: 4500 for every fault of the server.
pub(crate) fn close_code(status: http::StatusCode) -> u16 {
    if status.is_server_error() { 4500 } else { 4000 + status.as_u16() }
}

/// The error code that belongs to a status.
pub(crate) fn status_code(status: u16) -> &'static str {
    match status {
        400 => "bad_request",
        401 => "unauthorized",
        403 => "forbidden",
        404 => "not_found",
        408 => "timeout",
        409 => "conflict",
        410 => "gone",
        422 => "invalid",
        429 => "rate",
        500.. => "internal",
        _ => "closed",
    }
}

/// `["$bye",{…}]`.
pub(crate) fn bye(bye: &Bye<'_>) -> Vec<u8> {
    text_frame(&("$bye", bye))
}

/// `["$gap",{…}]`: `room` is `None` if clients do not learn room names. `position` is where the room
/// continues behind the gap, if it has a history.
pub(crate) fn gap(
    room: Option<&str>,
    reason: &str,
    missed: Option<u64>,
    position: Option<Position>,
) -> Vec<u8> {
    #[derive(Serialize)]
    struct Gap<'a> {
        r: Option<&'a str>,
        reason: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        missed: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        e: Option<Epoch>,
        #[serde(skip_serializing_if = "Option::is_none")]
        o: Option<u64>,
    }
    let (e, o) = (position.map(|at| at.epoch()), position.map(|at| at.offset()));
    text_frame(&("$gap", Gap { r: room, reason, missed, e, o }))
}

/// `["$room",{…}]`: the connection is in a room, at this position of its history, or has left it.
pub(crate) fn room(room: Option<&str>, is_in: bool, position: Option<Position>) -> Vec<u8> {
    #[derive(Serialize)]
    struct Room<'a> {
        r: Option<&'a str>,
        r#in: bool,
        #[serde(skip_serializing_if = "Option::is_none")]
        e: Option<Epoch>,
        #[serde(skip_serializing_if = "Option::is_none")]
        o: Option<u64>,
    }
    let (e, o) = (position.map(|at| at.epoch()), position.map(|at| at.offset()));
    text_frame(&("$room", Room { r: room, r#in: is_in, e, o }))
}

/// `["$at",{…}]`: this offset was not for the connection.
pub(crate) fn at(room: Option<&str>, offset: u64) -> Vec<u8> {
    text_frame(&("$at", RoomOffset { r: room, o: offset }))
}

/// `["$pos",{…}]`: the positions of rooms; the room of everybody has an empty name.
pub(crate) fn pos<'a>(rooms: impl IntoIterator<Item = (&'a str, Position)>) -> Vec<u8> {
    let rooms: std::collections::BTreeMap<&str, Position> = rooms.into_iter().collect();
    text_frame(&("$pos", rooms))
}

/// An offset in a room's history.
#[derive(Serialize)]
struct RoomOffset<'a> {
    r: Option<&'a str>,
    o: u64,
}

/// A room's message for the profile `v1`: `json` with `{"r":room,"o":offset}` behind its data.
pub(crate) fn positioned(json: &[u8], room: Option<&str>, offset: u64) -> Vec<u8> {
    let mut buffer = vec![0; HEADROOM];
    buffer.reserve(json.len() + 32 + room.map_or(4, str::len));
    buffer.extend_from_slice(json.strip_suffix(b"]").unwrap_or(json));
    buffer.push(b',');
    // A text and a number always encode.
    let _ = serde_json::to_writer(&mut buffer, &RoomOffset { r: room, o: offset });
    buffer.push(b']');
    framed(buffer)
}

/// The answer to `$history`. `is_excluded` says which entries were not for the client.
pub(crate) fn history(page: &Page, id: &str, is_excluded: impl Fn(&Entry) -> bool) -> Vec<u8> {
    let mut buffer = vec![0; HEADROOM];
    let (epoch, top) = (page.top.epoch(), page.top.offset());
    // Writing to a vector cannot fail.
    let more = page.more;
    let _ = write!(buffer, "[\"$ok\",{{\"e\":\"{epoch}\",\"o\":{top},\"more\":{more},");
    if let Some(gap) = page.gap {
        let gap = if gap == GapReason::Reset { "reset" } else { "expired" };
        let _ = write!(buffer, "\"gap\":\"{gap}\",");
    }
    buffer.extend_from_slice(b"\"items\":[");
    for (n, entry) in page.entries.iter().enumerate() {
        if n > 0 {
            buffer.push(b',');
        }
        let json: &[u8] = if is_excluded(entry) { b"[\"\",null]" } else { &entry.json };
        buffer.extend_from_slice(json.strip_suffix(b"]").unwrap_or(json));
        let _ = write!(buffer, ",{},{}]", entry.offset, entry.at_millis);
    }
    buffer.extend_from_slice(b"]},");
    let _ = serde_json::to_writer(&mut buffer, &Id { i: id });
    buffer.push(b']');
    framed(buffer)
}

/// A text frame around a text that is JSON already.
pub(crate) fn text(json: &[u8]) -> Vec<u8> {
    let mut buffer = vec![0; HEADROOM];
    buffer.extend_from_slice(json);
    framed(buffer)
}

/// A text frame around JSON.
pub(crate) fn text_frame(value: &impl Serialize) -> Vec<u8> {
    let mut buffer = vec![0; HEADROOM];
    // Strings, numbers and lists of them always encode.
    let _ = serde_json::to_writer(&mut buffer, value);
    framed(buffer)
}

fn framed(mut buffer: Vec<u8>) -> Vec<u8> {
    let start = frame::write_header(&mut buffer, Opcode::Text, false);
    buffer.split_off(start)
}
