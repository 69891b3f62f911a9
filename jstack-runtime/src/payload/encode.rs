//! Writing the payload of an event as JSON, after a check of its rules.

use std::borrow::Borrow;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::decode::{InputPayload, RawPayload};
use super::issues::Issues;
use super::json;
use super::payload::Payload;
use crate::error::{Error, Issue, Result};

/// What the payload of an event must be: it travels in both directions.
///
/// It is implemented for every type with the four derives.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the payload of an event",
    label = "not a payload",
    note = "payload types derive `Serialize`, `Deserialize`, `JsonSchema` and `Payload`",
    note = "a type of another crate goes into a struct of your own, as one of its fields"
)]
pub trait EventPayload: InputPayload + Serialize {
    /// Writes `value` as JSON after checking its rules.
    #[doc(hidden)]
    fn encode(value: &Self, out: &mut Vec<u8>) -> Result {
        encode(value, out)
    }

    /// Reads JSON that somebody wrote outside of the program and writes it as `encode` does, so that
    /// clients get what a handler would send.
    #[doc(hidden)]
    fn recode(data: &RawPayload<'_>, out: &mut Vec<u8>) -> Result {
        match Self::decode(data) {
            Ok(value) => encode(&value, out),
            Err(error) => Err(error),
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T: Payload + Serialize + DeserializeOwned + JsonSchema> EventPayload for T {}

/// Writes `value` as JSON after checking its rules.
fn encode<T: Payload + Serialize + ?Sized>(value: &T, out: &mut Vec<u8>) -> Result {
    let mut issues = Issues::default();
    value.check(&mut issues);
    if !issues.is_empty() {
        let mut sent = Vec::new();
        let _ = json::write(value, &mut sent);
        return Err(unsendable(&sent, issues));
    }
    match json::write(value, out) {
        Ok(()) => Ok(()),
        Err(error) => Err(unencodable(&error)),
    }
}

/// A payload that an emitter takes in a borrowed form: `str` for `String`, `[T]` for `Vec<T>`.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the payload of an event",
    label = "not a payload",
    note = "payload types derive `Serialize`, `Deserialize`, `JsonSchema` and `Payload`",
    note = "a type of another crate goes into a struct of your own, as one of its fields"
)]
pub trait EventPayloadAs<B: ?Sized>: EventPayload {
    /// Writes what was borrowed as JSON after checking its rules.
    fn encode_borrowed(value: &B, out: &mut Vec<u8>) -> Result;
}

#[diagnostic::do_not_recommend]
impl<T, B> EventPayloadAs<B> for T
where
    T: EventPayload + Borrow<B>,
    B: Payload + Serialize + ?Sized,
{
    fn encode_borrowed(value: &B, out: &mut Vec<u8>) -> Result {
        encode(value, out)
    }
}

#[cold]
fn unencodable(error: &serde_json::Error) -> Error {
    Error::internal(format!("payload does not encode: {error}"))
}

/// An outgoing value that breaks its rules is a fault of the server. The client gets no details; the
/// caller of `emit` finds the issues in the error.
#[cold]
fn unsendable(sent: &[u8], issues: Issues) -> Error {
    let sent: Value = serde_json::from_slice(sent).unwrap_or_default();
    outgoing(issues.into_wire_paths(&sent))
}

/// The error for an outgoing value that breaks its rules.
pub(crate) fn outgoing(issues: Vec<Issue>) -> Error {
    let mut cause = "an outgoing value breaks its rules".to_owned();
    for issue in &issues {
        let _ = write!(cause, "; {issue}");
    }
    Error::internal(cause).with_issues(issues)
}

/// The same error where a client sends the value: the fault is its own, and it reads the issues.
pub(crate) fn unsent(error: Error) -> Error {
    if error.issues().is_empty() { error } else { Error::invalid(error.issues().to_vec()) }
}
