//! The codec: `["event", data]`, which is what a text frame holds.

use std::borrow::Cow;

use http::StatusCode;
use serde::Serialize;
use serde::de::IgnoredAny;

use crate::error::{Error, Issue};
use crate::events::{Events, named};
use crate::payload::{Data, position_free};
use crate::untrusted::Untrusted;

/// A data message, which lives as long as the read buffer.
pub(crate) enum WireMessage<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
}

/// A client's frame, read.
pub(crate) enum Inbound<E> {
    /// An event that decoded and keeps its rules.
    Event(&'static str, E),
    /// `["ping", …]`, which the codec answers.
    Ping,
    /// A frame that the client must be event about; the name it used, if it used one.
    Fault(Option<String>, Error),
}

/// Reads a data frame.
pub(crate) fn read<E: Events>(data: &WireMessage<'_>, depth: u32) -> Inbound<E> {
    match data {
        WireMessage::Text(text) => read_text(text, depth),
        WireMessage::Binary(_) => Inbound::Fault(None, binary()),
    }
}

/// What a text of any client's becomes: the event's name, `Some("")` for a ping, or nothing.
#[cfg(feature = "fuzzing")]
pub(crate) fn fuzz<E: Events>(text: &str, depth: u32) -> Option<&'static str> {
    match read_text::<E>(text, depth) {
        Inbound::Event(name, _) => Some(name),
        Inbound::Ping => Some(""),
        Inbound::Fault(name, error) => {
            assert!(name.is_none_or(|name| name.chars().count() <= Untrusted::MOST + 1));
            let frame = error_frame(None, &error);
            assert!(frame.len() < 128 * 1024);
            None
        }
    }
}

fn read_text<E: Events>(text: &str, depth: u32) -> Inbound<E> {
    let (name, data) = match split(text) {
        Ok(parts) => parts,
        Err(why) => return Inbound::Fault(None, malformed(text, why)),
    };
    if data.len() / 2 >= depth as usize && nests_deeper(data, depth) {
        let why = format!("nests deeper than {depth} levels (limit `json_depth`)");
        let error = Error::invalid(vec![Issue::new("", why)]);
        return Inbound::Fault(Some(Untrusted(&name).to_string()), error);
    }
    let Some(event) = named::<E>(&name) else {
        if name == "ping" {
            return Inbound::Ping;
        }
        let error = match E::decode(&name, Data::new(data)) {
            Err(error) => error,
            // An `Events` of the user's own making that knows more than its table.
            Ok(event) => return Inbound::Event("", event),
        };
        return Inbound::Fault(Some(Untrusted(&name).to_string()), error);
    };
    match event.decode(Data::new(data)) {
        Ok(decoded) => Inbound::Event(event.name(), decoded),
        Err(error) => match shape(text) {
            Ok(()) => Inbound::Fault(Some(event.name().to_owned()), error),
            Err(why) => Inbound::Fault(None, malformed(text, why)),
        },
    }
}

const SHAPE: &str = "a frame is the JSON text [\"event\", data], with exactly two elements";

/// The error for a frame that is none.
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

/// Whether the whole text is an array of two, of which the error path makes sure.
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

/// The same for a frame without spaces and escapes around its parts, which is what
/// `JSON.stringify` writes.
#[inline]
fn split_as_written(text: &str) -> Option<(&str, &str)> {
    let rest = text.strip_prefix("[\"")?;
    let end = rest.bytes().position(|b| matches!(b, b'"' | b'\\'))?;
    let (name, rest) = rest.split_at(end);
    let data = rest.strip_prefix("\",")?.strip_suffix(']')?;
    // Where it starts with a space there may be nothing but spaces.
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

/// What the `error` event carries.
#[derive(Serialize)]
struct ErrorEvent<'a> {
    event: Option<&'a str>,
    code: &'a str,
    message: &'a str,
    issues: &'a [Issue],
}

/// The `error` event for one client, as a frame. A fault of the server's own tells nothing of
/// its inside.
pub(crate) fn error_frame(event: Option<&str>, error: &Error) -> Vec<u8> {
    let issues = if error.status().is_server_error() { &[][..] } else { error.issues() };
    let event = ErrorEvent { event, code: error.code(), message: error.message(), issues };
    frame_of("error", &event)
}

/// `["pong",null]`, as a frame.
pub(crate) fn pong_frame() -> Vec<u8> {
    frame_of("pong", &())
}

fn frame_of(name: &str, data: &impl Serialize) -> Vec<u8> {
    let mut buffer = vec![0; crate::frame::HEADROOM];
    // Strings and lists of them always encode.
    let _ = serde_json::to_writer(&mut buffer, &(name, data));
    let start = crate::frame::write_header(&mut buffer, crate::frame::Opcode::Text, false);
    buffer.split_off(start)
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
}
