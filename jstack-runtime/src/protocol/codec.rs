//! The codec of text frames: `["event", data]`.

use std::borrow::Cow;

use http::StatusCode;
use serde::de::IgnoredAny;

use super::control::{Elements, LONGEST_ID};
use super::profile::Profile;
use crate::error::{Error, Issue};
use crate::events::{Events, named};
use crate::payload::{RawPayload, position_free};
use crate::untrusted::Untrusted;

/// A data message, which lives as long as the read buffer.
pub(crate) enum WireMessage<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
}

impl WireMessage<'_> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }
}

/// The id of a request, which its answer carries.
pub(crate) type RequestId = Box<str>;

/// A client's frame, read.
pub(crate) enum Inbound<E> {
    /// An event that decoded and keeps its rules.
    Event { name: &'static str, event: E, request: Option<RequestId> },
    /// `["$token", text, {i}]`, of the profile `v1`.
    Token { token: String, request: Option<RequestId> },
    /// A faulty frame, which the client is to learn about, with the name in it, if there is one.
    Fault { name: Option<String>, error: Error, request: Option<RequestId> },
}

/// The kind of a text, by its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Ordinary,
    Ping,
    /// Its name starts with `$`.
    Control,
}

/// Classifies a text, before anything else is decided.
#[inline]
pub(super) fn kind(text: &str) -> Kind {
    match text.as_bytes() {
        [b'[', b'"', b'$', ..] => Kind::Control,
        [b'[', b'"', b'p', b'i', b'n', b'g', b'"', ..]
        | [b' ' | b'\n' | b'\r' | b'\t', ..]
        | [b'[', b' ' | b'\n' | b'\r' | b'\t', ..]
        | [b'[', b'"', b'\\', ..] => kind_of_any(text),
        _ => Kind::Ordinary,
    }
}

#[cold]
fn kind_of_any(text: &str) -> Kind {
    match split(text) {
        Ok((name, _)) if name == "ping" => Kind::Ping,
        Ok((name, _)) if name.starts_with('$') => Kind::Control,
        _ => Kind::Ordinary,
    }
}

/// Reads a data frame for the handlers of a procedure.
pub(crate) fn read<E: Events>(data: &WireMessage<'_>, depth: u32, profile: Profile) -> Inbound<E> {
    match data {
        WireMessage::Text(text) => read_text(text, depth, profile),
        WireMessage::Binary(_) => Inbound::Fault { name: None, error: binary(), request: None },
    }
}

/// The result of reading a client's text: the event's name, `Some("")` for a token, or nothing.
#[cfg(feature = "fuzzing")]
pub(crate) fn fuzz<E: Events>(text: &str, depth: u32) -> Option<&'static str> {
    let read = |profile| match read_text::<E>(text, depth, profile) {
        Inbound::Event { name, .. } => Some(name),
        Inbound::Token { .. } => Some(""),
        Inbound::Fault { name, error, .. } => {
            assert!(name.is_none_or(|name| name.chars().count() <= Untrusted::MOST + 1));
            let frame = super::frames::error(None, &error);
            assert!(frame.len() < 128 * 1024);
            None
        }
    };
    let base = read(Profile::Base);
    // The extended profile understands all frames of the base profile.
    assert!(base.is_none() || read(Profile::V1) == base);
    base
}

fn read_text<E: Events>(text: &str, depth: u32, profile: Profile) -> Inbound<E> {
    let (name, data) = match split(text) {
        Ok(parts) => parts,
        Err(why) => {
            let error = malformed(text, why);
            return Inbound::Fault { name: None, error, request: None };
        }
    };
    if !profile.is_v1() {
        return read_event(text, &name, data, depth, None);
    }
    if let Some((data, id)) = split_request(data) {
        if name == "$token" {
            return read_token(data, Some(id.into()));
        }
        return read_event(text, &name, data, depth, Some(id.into()));
    }
    read_third(text, &name, data, depth)
}

/// A frame of the profile `v1` whose third element, if any, is not written as this project's clients
/// write it.
fn read_third<E: Events>(text: &str, name: &str, data: &str, depth: u32) -> Inbound<E> {
    let read = read_event(text, name, data, depth, None);
    if matches!(read, Inbound::Event { .. }) {
        return read;
    }
    match serde_json::from_str::<Elements<'_>>(text) {
        Ok(Elements(name, data, extra)) if extra.is_some() || name == "$token" => {
            let id = extra.and_then(|extra| extra.i);
            if id.as_ref().is_some_and(|id| id.len() > LONGEST_ID) {
                let why = "the id of a request is a text of at most 32 bytes";
                let error = Error::with_code(StatusCode::BAD_REQUEST, "malformed", why);
                return Inbound::Fault { name: None, error, request: None };
            }
            let id = id.map(RequestId::from);
            if name == "$token" {
                return read_token(data.get(), id);
            }
            read_event(text, &name, data.get(), depth, id)
        }
        _ => read,
    }
}

fn read_token<E>(data: &str, request: Option<RequestId>) -> Inbound<E> {
    if let Ok(token) = serde_json::from_str::<String>(data) {
        return Inbound::Token { token, request };
    }
    let why = "`$token` carries the token as a text";
    let error = Error::with_code(StatusCode::BAD_REQUEST, "malformed", why);
    Inbound::Fault { name: Some("$token".to_owned()), error, request }
}

fn read_event<E: Events>(
    text: &str,
    name: &str,
    data: &str,
    depth: u32,
    request: Option<RequestId>,
) -> Inbound<E> {
    if data.len() / 2 >= depth as usize && nests_deeper(data, depth) {
        let why = format!("nests deeper than {depth} levels (limit `json_depth`)");
        let error = Error::invalid(vec![Issue::new("", why)]);
        return Inbound::Fault { name: Some(Untrusted(name).to_string()), error, request };
    }
    let Some(event) = named::<E>(name) else {
        return match E::decode(name, RawPayload::new(data)) {
            Err(error) => {
                Inbound::Fault { name: Some(Untrusted(name).to_string()), error, request }
            }
            // A hand-written `Events` that knows more names than its table.
            Ok(event) => Inbound::Event { name: "", event, request },
        };
    };
    match event.decode(RawPayload::new(data)) {
        Ok(decoded) => Inbound::Event { name: event.name(), event: decoded, request },
        Err(error) if request.is_some() => {
            Inbound::Fault { name: Some(event.name().to_owned()), error, request }
        }
        Err(error) => match shape(text) {
            Ok(()) => Inbound::Fault { name: Some(event.name().to_owned()), error, request },
            Err(why) => Inbound::Fault { name: None, error: malformed(text, why), request },
        },
    }
}

/// Removes `,{"i":"…"}` from the end of a request's data, as `JSON.stringify` writes it.
///
/// No valid JSON value ends like this: a bracket of the value around it would have to follow.
#[inline]
fn split_request(data: &str) -> Option<(&str, &str)> {
    const START: &str = ",{\"i\":\"";
    let rest = data.strip_suffix("\"}")?;
    let from = rest.len().saturating_sub(LONGEST_ID + START.len());
    let at = rest.as_bytes()[from..].windows(START.len()).rposition(|w| w == START.as_bytes())?;
    let (data, id) = (&rest[..from + at], &rest[from + at + START.len()..]);
    let plain = !id.is_empty() && id.bytes().all(|b| !matches!(b, b'"' | b'\\' | ..b' '));
    plain.then_some((data, id))
}

/// The text as the id of a request, if it is valid as one.
#[cold]
pub(super) fn request_id(text: &str) -> Option<String> {
    let Elements(_, _, extra) = serde_json::from_str(text).ok()?;
    let id = extra?.i?;
    (id.len() <= LONGEST_ID).then(|| id.into_owned())
}

const SHAPE: &str = "a frame is the JSON text [\"event\", data], with exactly two elements";

/// The error for a malformed frame.
#[cold]
fn malformed(text: &str, why: &'static str) -> Error {
    let message = match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => why.to_owned(),
        Err(_) if text.starts_with('\u{feff}') => {
            "not JSON: it starts with a byte order mark (U+FEFF)".to_owned()
        }
        Err(error) => format!("not JSON: {}", position_free(&error.to_string())),
    };
    Error::with_code(StatusCode::BAD_REQUEST, "malformed", message)
}

/// The error for a binary frame.
#[cold]
fn binary() -> Error {
    let message = "binary frames are not understood; send the text [\"event\", data]";
    Error::with_code(StatusCode::BAD_REQUEST, "malformed", message)
}

/// Whether the whole text is an array of two. Only the error path checks it.
#[cold]
fn shape(text: &str) -> Result<(), &'static str> {
    match serde_json::from_str::<Vec<IgnoredAny>>(text) {
        Ok(elements) if elements.len() == 2 => Ok(()),
        Ok(_) | Err(_) => Err(SHAPE),
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

fn skip_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\n', '\r', '\t'])
}

/// The event's name and the JSON text of its data.
#[inline]
fn split(text: &str) -> Result<(Cow<'_, str>, &str), &'static str> {
    match split_as_written(text) {
        Some((name, data)) => Ok((Cow::Borrowed(name), data)),
        None => split_any(text),
    }
}

/// As above, for a frame without spaces and escapes around its parts, as `JSON.stringify` writes it.
#[inline]
fn split_as_written(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("[\"")?;
    let end = rest.bytes().position(|b| matches!(b, b'"' | b'\\'))?;
    let (name, rest) = rest.split_at(end);
    let data = rest.strip_prefix("\",")?.strip_suffix(']')?;
    // If it starts with a space, it may consist of spaces.
    data.bytes().next().filter(|first| !is_space(*first))?;
    Some((name, data))
}

fn split_any(text: &str) -> Result<(Cow<'_, str>, &str), &'static str> {
    let rest = skip_space(text).strip_prefix('[').ok_or(SHAPE)?;
    let rest = skip_space(rest).strip_prefix('"').ok_or(SHAPE)?;
    let end = rest.bytes().position(|b| b == b'"' || b == b'\\').ok_or(SHAPE)?;
    let (name, rest) = if rest.as_bytes()[end] == b'"' {
        (Cow::Borrowed(&rest[..end]), &rest[end + 1..])
    } else {
        escaped(rest, end)?
    };
    let rest = skip_space(rest).strip_prefix(',').ok_or(SHAPE)?;
    let end = rest.trim_end_matches(|c: char| c.is_ascii() && is_space(c as u8));
    let data = skip_space(end.strip_suffix(']').ok_or(SHAPE)?);
    if data.is_empty() { Err(SHAPE) } else { Ok((name, data)) }
}

/// A name with escapes, whose first backslash is at `from`.
#[cold]
fn escaped(rest: &str, from: usize) -> Result<(Cow<'_, str>, &str), &'static str> {
    let mut skip = false;
    for (at, byte) in rest.bytes().enumerate().skip(from) {
        match byte {
            _ if skip => skip = false,
            b'\\' => skip = true,
            b'"' => {
                let quoted = format!("\"{}\"", &rest[..at]);
                let name = serde_json::from_str::<String>(&quoted).map_err(|_| SHAPE)?;
                return Ok((Cow::Owned(name), &rest[at + 1..]));
            }
            _ => {}
        }
    }
    Err(SHAPE)
}

/// Whether brackets nest deeper than `depth`; the array around the data counts as one level.
fn nests_deeper(data: &str, depth: u32) -> bool {
    let (mut level, mut in_text, mut skip) = (1u32, false, false);
    for byte in data.bytes() {
        match byte {
            _ if skip => skip = false,
            b'\\' if in_text => skip = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'[' | b'{' => {
                level += 1;
                if level > depth {
                    return true;
                }
            }
            b']' | b'}' => level = level.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_splits_into_name_and_data_whatever_the_spacing() {
        for text in [r#"["a",{"b":1}]"#, " [ \"a\" ,\t{\"b\":1}\n] ", r#"["\u0061",{"b":1}]"#] {
            let (name, data) = split(text).expect(text);
            assert_eq!((&*name, data.trim()), ("a", r#"{"b":1}"#));
        }
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        for text in [
            "",
            "[",
            "[]",
            r#"["a"]"#,
            r#"["a",]"#,
            "{}",
            r#"{"a":1}"#,
            "[1,2]",
            "null",
            r#"["a"#,
            r#"["a\"#,
        ] {
            assert!(split(text).is_err(), "{text}");
        }
    }

    #[test]
    fn depth_counts_brackets_outside_of_texts() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(!nests_deeper(&deep(63), 64));
        assert!(nests_deeper(&deep(64), 64));
        assert!(!nests_deeper(&format!("\"{}\"", "[".repeat(100)), 64));
        assert!(!nests_deeper(&format!("\"\\\"{}\"", "[".repeat(100)), 64));
    }

    #[test]
    fn a_request_is_split_from_its_data_and_nothing_else_is() {
        assert_eq!(split_request(r#"{"a":1},{"i":"7"}"#), Some((r#"{"a":1}"#, "7")));
        assert_eq!(split_request(r#"null,{"i":"abc"}"#), Some(("null", "abc")));
        let long = "x".repeat(LONGEST_ID);
        assert_eq!(split_request(&format!("1,{{\"i\":\"{long}\"}}")), Some(("1", &*long)));
        for data in [
            r#"{"a":"b"}"#,
            r#"[1,{"i":"x"}]"#,
            r#"{"a":[],"i":"x"}"#,
            r#"1,{"i":"a\"}"#,
            r#"1,{"i":""}"#,
            r#"1,{"i":"0123456789abcdef0123456789abcdefX"}"#,
            "",
        ] {
            assert_eq!(split_request(data), None, "{data}");
        }
    }

    #[test]
    fn the_kind_of_a_text_is_seen_at_its_beginning() {
        for text in [r#"["ping",1]"#, r#" ["ping",1]"#, r#"[ "ping",1]"#, r#"["\u0070ing",1]"#] {
            assert_eq!(kind(text), Kind::Ping, "{text}");
        }
        for text in [r#"["$ok",1]"#, "[\"$", r#"["\u0024ok",1]"#] {
            assert_eq!(kind(text), Kind::Control, "{text}");
        }
        for text in [r#"["pingu",1]"#, r#"["ping"]"#, "[", "", r#"["a",1]"#] {
            assert_eq!(kind(text), Kind::Ordinary, "{text}");
        }
    }
}
