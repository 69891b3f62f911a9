//! Payloads: what travels, and its rules.

mod described;
mod fast_path;
mod issue_path;
mod issues;
mod json_path;
mod numbers;
mod rules;
mod std_types;
#[cfg(test)]
mod tests;

use std::borrow::Borrow;
use std::fmt::Write as _;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use described::Described;
pub use fast_path::{Fast, Unsure};
pub use issues::Issues;
pub(crate) use issues::issue_at;
pub(crate) use json_path::position_free;
pub use rules::{
    Checked, Declared, GardeRules, NoRules, NotEnforced, NothingToEnforce, RuleFree, Ruled, Rules,
    RulesOfParts,
};

use crate::error::{Error, Issue, Result};

/// Writes a type's schema; nothing runs until somebody asks for it.
pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// A type that may travel: in an event, as the input of a procedure, or as its answer.
///
/// Derive it beside `Serialize`, `Deserialize` and `JsonSchema`. If the type carries
/// `#[garde(…)]` rules, derive `Validate` too: every value is then checked on its way in,
/// before the handler, and on its way out, before the wire. A field whose type has rules is
/// checked as well, so that no declared rule is ever skipped.
///
/// The attributes are the rules. Lengths of texts in characters and ranges of integers are often
/// decided without `garde`, so a hand-written `impl Validate` may be skipped. For rules that need
/// code, use `#[garde(custom(…))]`, or `impl Payload` with a `check`.
///
/// ```
/// use jstack_runtime::prelude::*;
///
/// #[derive(Serialize, Deserialize, JsonSchema, Validate, Payload)]
/// struct Message {
///     #[garde(length(chars, min = 1, max = 2000))]
///     message: String,
/// }
///
/// let mut issues = jstack_runtime::Issues::default();
/// Message { message: String::new() }.check(&mut issues);
/// assert_eq!(issues.as_slice()[0].path, "message");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a payload",
    label = "not a payload",
    note = "add `Payload` to its derives"
)]
pub trait Payload: Send + Sync + 'static {
    /// Adds an issue for each rule that this value breaks.
    fn check(&self, issues: &mut Issues) {
        let _ = issues;
    }
}

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
    fn recode(data: &Data<'_>, out: &mut Vec<u8>) -> Result {
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
        // By the serialiser that is compiled anyway.
        let mut sent = Vec::new();
        let _ = value.serialize(&mut serde_json::Serializer::new(&mut sent));
        return Err(unsendable(&sent, issues));
    }
    match value.serialize(&mut serde_json::Serializer::new(out)) {
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

/// What the input of a `get` or `post` procedure must be.
///
/// It is implemented for every type with the three derives.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the input of a procedure",
    label = "not an input",
    note = "input types derive `Deserialize`, `JsonSchema` and `Payload`",
    note = "a type of another crate goes into a struct of your own, as one of its fields"
)]
pub trait InputPayload: Payload + DeserializeOwned + JsonSchema {
    /// Decodes a value and checks its rules.
    #[doc(hidden)]
    fn decode(data: &Data<'_>) -> Result<Self> {
        let mut parser = data.parser();
        match Self::deserialize(&mut parser) {
            Ok(value) => {
                let mut issues = Issues::default();
                value.check(&mut issues);
                match data.refusal(parser, issues) {
                    None => Ok(value),
                    Some(error) => Err(error),
                }
            }
            Err(error) => {
                if let Some(whole) = numbers::whole(data.json) {
                    return Self::decode(&Data::new(&whole));
                }
                let changed = json_path::changed(data.json, &error);
                let mut parser = Data::new(&changed).parser();
                let again = Self::deserialize(&mut parser).err();
                Err(undecodable(data.json, &error, &changed, again.as_ref()))
            }
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T: Payload + DeserializeOwned + JsonSchema> InputPayload for T {}

/// The JSON text of one payload.
#[derive(Clone, Copy, Debug)]
pub struct Data<'a> {
    json: &'a str,
}

impl<'a> Data<'a> {
    pub(crate) fn new(json: &'a str) -> Self {
        Self { json }
    }

    /// The text as it came.
    pub fn as_str(&self) -> &'a str {
        self.json
    }

    #[inline]
    fn parser(&self) -> Parser<'a> {
        serde_json::Deserializer::from_str(self.json)
    }

    /// What is wrong with a text of which a value was read: what follows it, and broken rules.
    #[inline]
    fn refusal(&self, mut parser: Parser<'a>, issues: Issues) -> Option<Error> {
        match parser.end() {
            Err(error) => Some(unfinished(&error)),
            Ok(()) if issues.is_empty() => None,
            Ok(()) => Some(broken(issues, self.json)),
        }
    }

    /// Decodes the payload and checks its rules.
    ///
    /// Fails with a 422 that names each field and what is wrong with it.
    pub fn parse<T: InputPayload>(&self) -> Result<T> {
        T::decode(self)
    }
}

type Parser<'a> = serde_json::Deserializer<serde_json::de::StrRead<'a>>;

#[cold]
fn undecodable(
    json: &str,
    error: &serde_json::Error,
    changed: &str,
    again: Option<&serde_json::Error>,
) -> Error {
    let path = json_path::of(json, error, changed, again);
    Error::invalid(vec![issue_at(&path, position_free(&error.to_string()))])
}

/// The error for what follows the value.
#[cold]
fn unfinished(error: &serde_json::Error) -> Error {
    Error::invalid(vec![issue_at("", position_free(&error.to_string()))])
}

#[cold]
fn broken(issues: Issues, json: &str) -> Error {
    let sent: Value = serde_json::from_str(json).unwrap_or_default();
    Error::invalid(issues.into_sent(&sent))
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
    outgoing(issues.into_sent(&sent))
}

/// The error for an outgoing value that breaks its rules.
pub(crate) fn outgoing(issues: Vec<Issue>) -> Error {
    let mut cause = "an outgoing value breaks its rules".to_owned();
    for issue in &issues {
        let _ = write!(cause, "; {issue}");
    }
    Error::internal(cause).with_issues(issues)
}
