//! Frames of the profile `v1` whose names start with `$`, as clients send them.

use std::borrow::Cow;

use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{Error, Issue, Result};
use crate::history::Position;

/// The longest id of a request, in bytes.
pub(super) const LONGEST_ID: usize = 32;

/// A `$…` frame of a client.
#[derive(Debug)]
pub(crate) enum Control<'a> {
    /// `$ok` or `$err`: the answer to a question of the server.
    Answer { id: u64, answer: Result<&'a str> },
    /// `$presence`: watch a room, or stop.
    Watch { room: Cow<'a, str>, off: bool, id: Option<Cow<'a, str>> },
    /// `$state`: the client's status in a room, as JSON.
    State { room: Cow<'a, str>, state: &'a str, id: Option<Cow<'a, str>> },
    /// `$history`: the messages after a position, or earlier pages.
    History { ask: HistoryAsk, id: Cow<'a, str> },
    /// A request with invalid data: its answer.
    Invalid { error: Error, id: Cow<'a, str> },
    /// `$token`, which is passed to the handlers.
    Token,
    /// A request that this version does not know.
    Unsupported(Cow<'a, str>),
    /// An unknown name, or a frame without a meaning.
    Ignored,
}

/// The third element of a frame.
#[derive(Deserialize, Default)]
pub(super) struct Extra<'a> {
    #[serde(borrow, default)]
    pub(super) i: Option<Cow<'a, str>>,
}

/// A frame as three elements, of which the third may be missing.
#[derive(Deserialize)]
pub(super) struct Elements<'a>(
    #[serde(borrow)] pub(super) Cow<'a, str>,
    #[serde(borrow)] pub(super) &'a RawValue,
    #[serde(borrow, default)] pub(super) Option<Extra<'a>>,
);

/// Reads a frame whose name starts with `$`.
pub(crate) fn read_control(text: &str) -> Control<'_> {
    let Ok(Elements(name, data, extra)) = serde_json::from_str::<Elements<'_>>(text) else {
        return Control::Ignored;
    };
    let id = extra.and_then(|extra| extra.i);
    match (&*name, id) {
        ("$ok", Some(id)) => answer(&id, Ok(data.get())),
        ("$err", Some(id)) => answer(&id, Err(client_error(data.get()))),
        ("$presence", id) if is_short(id.as_ref()) => watch(data.get(), id),
        ("$state", id) if is_short(id.as_ref()) => state(data.get(), id),
        ("$history", Some(id)) if id.len() <= LONGEST_ID => history(data.get(), id),
        ("$token", _) => Control::Token,
        (_, Some(id)) if id.len() <= LONGEST_ID => Control::Unsupported(id),
        _ => Control::Ignored,
    }
}

fn is_short(id: Option<&Cow<'_, str>>) -> bool {
    id.is_none_or(|id| id.len() <= LONGEST_ID)
}

fn watch<'a>(json: &'a str, id: Option<Cow<'a, str>>) -> Control<'a> {
    #[derive(Deserialize)]
    struct Watch<'a> {
        #[serde(borrow)]
        r: Cow<'a, str>,
        #[serde(default)]
        off: bool,
    }
    match serde_json::from_str::<Watch<'_>>(json) {
        Ok(Watch { r, off }) => Control::Watch { room: r, off, id },
        Err(error) => invalid(&error, id),
    }
}

fn state<'a>(json: &'a str, id: Option<Cow<'a, str>>) -> Control<'a> {
    #[derive(Deserialize)]
    struct State<'a> {
        #[serde(borrow)]
        r: Cow<'a, str>,
        #[serde(borrow)]
        s: &'a RawValue,
    }
    match serde_json::from_str::<State<'_>>(json) {
        Ok(State { r, s }) => Control::State { room: r, state: s.get(), id },
        Err(error) => invalid(&error, id),
    }
}

fn history<'a>(json: &'a str, id: Cow<'a, str>) -> Control<'a> {
    match serde_json::from_str::<HistoryAsk>(json) {
        Ok(ask) => Control::History { ask, id },
        Err(error) => invalid(&error, Some(id)),
    }
}

/// The answer to a request with invalid data. A frame that is not a request is ignored.
#[cold]
fn invalid<'a>(error: &serde_json::Error, id: Option<Cow<'a, str>>) -> Control<'a> {
    let Some(id) = id else { return Control::Ignored };
    let message = crate::payload::position_free(&error.to_string());
    Control::Invalid { error: Error::invalid(vec![Issue::new("", message)]), id }
}

/// A client's question about a room's history.
#[derive(Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct HistoryAsk {
    /// The room; `None` means everybody on the procedure.
    #[serde(default)]
    pub(crate) r: Option<String>,
    /// The position after which entries are wanted.
    #[serde(default)]
    pub(crate) after: Option<Position>,
    /// The id of an earlier connection of this client, whose exclusions still apply.
    #[serde(default)]
    pub(crate) was: Option<String>,
    /// The position before which entries are wanted, or its offset; nothing for the last ones.
    #[serde(default)]
    pub(crate) before: Option<Before>,
    #[serde(default)]
    pub(crate) limit: Option<u32>,
}

/// The end of an earlier page.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub(crate) enum Before {
    Offset(u64),
    Position(Position),
}

impl Before {
    pub(crate) fn offset(self) -> u64 {
        match self {
            Self::Offset(offset) => offset,
            Self::Position(position) => position.offset(),
        }
    }
}

fn answer<'a>(id: &str, answer: Result<&'a str>) -> Control<'a> {
    match id.strip_prefix('s').and_then(|number| number.parse().ok()) {
        Some(id) => Control::Answer { id, answer },
        // The server never used this id: it counts as a late answer.
        None => Control::Answer { id: 0, answer },
    }
}

/// The error in a client's answer.
fn client_error(json: &str) -> Error {
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Body {
        code: String,
        message: String,
        issues: Vec<Issue>,
        status: Option<u16>,
    }
    let body: Body = serde_json::from_str(json).unwrap_or_default();
    let status = body
        .status
        .and_then(|status| StatusCode::from_u16(status).ok())
        .filter(|status| status.is_client_error() || status.is_server_error())
        .unwrap_or(StatusCode::BAD_GATEWAY);
    let code = if body.code.is_empty() { "failed".to_owned() } else { body.code };
    let message = if body.message.is_empty() {
        "the client answered with an error".to_owned()
    } else {
        body.message
    };
    Error::with_code(status, code, message).with_issues(body.issues)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_carry_the_number_of_their_question() {
        let Control::Answer { id: 12, answer: Ok(json) } =
            read_control(r#"["$ok",{"a":1},{"i":"s12","more":true}]"#)
        else {
            panic!("not an answer")
        };
        assert_eq!(json, r#"{"a":1}"#);
    }

    #[test]
    fn a_clients_error_keeps_its_code_message_and_issues() {
        let text = r#"["$err",{"code":"busy","message":"later","status":409,"issues":[{"path":"a","message":"b"}]},{"i":"s1"}]"#;
        let Control::Answer { answer: Err(error), .. } = read_control(text) else {
            panic!("not an answer")
        };
        assert_eq!((error.code(), error.message()), ("busy", "later"));
        assert_eq!((error.status().as_u16(), error.issues().len()), (409, 1));
    }

    #[test]
    fn garbage_is_ignored() {
        for text in [r#"["$ok"]"#, r#"["$ok",1]"#, r#"["$ok",1,5]"#, r#"["$x",1,{"i":5}]"#, "[\"$"]
        {
            assert!(matches!(read_control(text), Control::Ignored), "{text}");
        }
    }
}
