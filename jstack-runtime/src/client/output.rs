//! Answers of `get` and `post` procedures, read.

use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::dial::{Answer, refusal};
use super::failure;
use crate::error::{Error, Result};
use crate::http::shape::TypeSchema;
use crate::http::superjson::{self, IS_SUPERJSON, Superjson};

/// Reads an answer: JSON, or superjson where its header says so.
pub(super) fn read<T: DeserializeOwned + JsonSchema + 'static>(answer: &Answer) -> Result<T> {
    if !answer.status.is_success() {
        return Err(refused(answer));
    }
    let text = std::str::from_utf8(&answer.body).map_err(|error| unreadable(&error))?;
    let marked = answer.headers.get(IS_SUPERJSON).is_some_and(|value| value == "true");
    match superjson::read(text).filter(|_| marked) {
        None => serde_json::from_str(text).map_err(|error| unreadable(&error)),
        Some(Superjson::Plain(json)) => {
            serde_json::from_str(json).map_err(|error| unreadable(&error))
        }
        Some(Superjson::Marked(value, marks)) => {
            let schema = TypeSchema::of::<T>().input();
            let value = marks.apply(value, &schema.root()).unwrap_or_default();
            serde_json::from_value(value).map_err(|error| unreadable(&error))
        }
    }
}

/// The error of an answer that is not a success.
pub(super) fn refused(answer: &Answer) -> Error {
    let mut refusal = refusal(answer.status, &answer.headers, &answer.body);
    refusal.code.get_or_insert_with(|| answer.status.as_str().to_owned());
    refusal.error()
}

fn unreadable(error: &dyn std::fmt::Display) -> Error {
    failure::malformed(format!("the answer is not what the procedure declares: {error}"))
}
