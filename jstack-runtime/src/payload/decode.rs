//! Reading a payload from JSON, and checking its rules.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::issues::{Issues, issue_at};
use super::json;
use super::json_path::{self, position_free};
use super::numbers;
use super::payload::Payload;
use crate::error::{Error, Result};

/// Whether the project's own reader reads first, and `serde_json` what it gives up on.
///
/// Each type is then compiled for both: too much for debug builds, which are to be built quickly, and
/// for Workers, where the size of the program counts.
const READS_TWICE: bool = !cfg!(debug_assertions) && !cfg!(target_family = "wasm");

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
    fn decode(data: &RawPayload<'_>) -> Result<Self> {
        if READS_TWICE && let Some(value) = json::read::<Self>(data.json) {
            let mut issues = Issues::default();
            value.check(&mut issues);
            return if issues.is_empty() { Ok(value) } else { Err(broken(issues, data.json)) };
        }
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
                    return Self::decode(&RawPayload::new(&whole));
                }
                let probe = json_path::probe_text(data.json, &error);
                let mut parser = RawPayload::new(&probe).parser();
                let again = Self::deserialize(&mut parser).err();
                Err(undecodable(data.json, &error, &probe, again.as_ref()))
            }
        }
    }
}

#[diagnostic::do_not_recommend]
impl<T: Payload + DeserializeOwned + JsonSchema> InputPayload for T {}

/// The JSON text of one payload, not yet read.
#[derive(Clone, Copy, Debug)]
pub struct RawPayload<'a> {
    json: &'a str,
}

impl<'a> RawPayload<'a> {
    /// A payload of this text, which may be malformed: reading it says so.
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
    probe: &str,
    again: Option<&serde_json::Error>,
) -> Error {
    let path = json_path::error_path(json, error, probe, again);
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
    Error::invalid(issues.into_wire_paths(&sent))
}
