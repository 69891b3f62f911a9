//! Integers that JavaScript would round.

use std::fmt;

use serde_json::{Map, Value};

use super::contract::{Contract, OutputContract};

/// `Number.MAX_SAFE_INTEGER`.
const MAX_SAFE: f64 = 9_007_199_254_740_991.0;

/// Says that a 64-bit integer never leaves the safe range.
const DECLARED_SAFE: &str = "x-safe-integer";

/// One such field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unsafe {
    /// The type, or the procedure or event whose payload it is.
    owner: String,
    /// The field below it, as `author.id` or `tags[]`; empty for the value itself.
    field: String,
    /// As `u64`.
    integer: &'static str,
}

impl fmt::Display for Unsafe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { owner, field, integer } = self;
        match field.as_str() {
            "" => write!(f, "{owner}: {integer}"),
            field => write!(f, "field `{field}` of {owner}: {integer}"),
        }
    }
}

/// All of them, each once.
pub(super) fn unsafe_integers(contract: &Contract) -> Vec<Unsafe> {
    let mut found: Vec<Unsafe> = Vec::new();
    let mut look = |owner: String, schema: &Value| {
        search(schema, "", &mut |field, integer| {
            let this = Unsafe { owner: owner.clone(), field: field.to_owned(), integer };
            if !found.contains(&this) {
                found.push(this);
            }
        });
    };
    for (name, schema) in contract.types() {
        look(format!("type `{name}`"), schema);
    }
    for procedure in contract.procedures() {
        let path = &procedure.path;
        if let Some(input) = &procedure.input {
            look(format!("the input of `{path}`"), &input.schema);
        }
        if let Some(OutputContract::Json(schema) | OutputContract::SuperJson(schema)) =
            &procedure.output
        {
            look(format!("the answer of `{path}`"), schema);
        }
        if let Some(params) = &procedure.params {
            look(format!("the query of `{path}`"), &params.schema);
        }
        for event in procedure.incoming.iter().chain(&procedure.outgoing) {
            let name = &event.name;
            look(format!("event `{name}` of `{path}`"), &event.schema);
            if let Some(reply) = &event.reply {
                look(format!("the reply to event `{name}` of `{path}`"), reply);
            }
            if let Some(ask) = &event.ask {
                look(format!("the answer to event `{name}` of `{path}`"), ask);
            }
        }
        if let Some(presence) = &procedure.presence {
            look(format!("what a client of `{path}` says about itself"), &presence.state);
            look(format!("what is said about a member of `{path}`"), &presence.info);
        }
    }
    found
}

fn search(schema: &Value, path: &str, found: &mut dyn FnMut(&str, &'static str)) {
    let Value::Object(object) = schema else { return };
    if object.get(DECLARED_SAFE) == Some(&Value::Bool(true)) {
        return;
    }
    if let Some(integer) = wide(object) {
        found(path, integer);
    }
    for (key, value) in object {
        match (key.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                for (name, property) in properties {
                    search(property, &dot(path, name), found);
                }
            }
            ("patternProperties", Value::Object(values)) => {
                values.values().for_each(|value| search(value, &dot(path, "*"), found));
            }
            ("additionalProperties" | "unevaluatedProperties", value) => {
                search(value, &dot(path, "*"), found);
            }
            ("items", value) => search(value, &format!("{path}[]"), found),
            ("prefixItems", Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    search(item, &format!("{path}[{index}]"), found);
                }
            }
            ("oneOf" | "anyOf" | "allOf", Value::Array(parts)) => {
                for part in parts {
                    search(part, path, found);
                }
            }
            _ => {}
        }
    }
}

fn dot(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The integer type of a schema that admits values beyond the safe range.
///
/// `usize` and `isize` are not among them: they count what is in memory, of which there is less.
fn wide(object: &Map<String, Value>) -> Option<&'static str> {
    let integer = match object.get("format")?.as_str()? {
        "int64" => "i64",
        "uint64" => "u64",
        "int128" => "i128",
        "uint128" => "u128",
        _ => return None,
    };
    let is_integer = match object.get("type")? {
        Value::String(kind) => kind == "integer",
        Value::Array(kinds) => kinds.iter().any(|kind| kind == "integer"),
        _ => false,
    };
    let bound = |inclusive: &str, exclusive: &str| {
        object.get(inclusive).or_else(|| object.get(exclusive)).and_then(Value::as_f64)
    };
    let safe = bound("minimum", "exclusiveMinimum").is_some_and(|min| min >= -MAX_SAFE)
        && bound("maximum", "exclusiveMaximum").is_some_and(|max| max <= MAX_SAFE);
    (is_integer && !safe).then_some(integer)
}

/// The error for a contract that cannot be written as TypeScript: some fields are integers of 64 bits or
/// more.
///
/// JavaScript's `JSON.parse` silently rounds integers beyond 2^53 - 1. The message names each type and
/// field. There are two cures:
///
/// - If the value is never that large, declare it with
///   `#[schemars(extend("x-safe-integer" = true))]`, or give it a range within ±(2^53 - 1), as
///   `#[garde(range(max = 1_000_000))]` on a `u64`.
/// - If it may be that large (an identifier, a hash), send it as a string, by a `serde(with)` and
///   `#[schemars(with = "String")]`.
///
/// ```
/// # use jstack_runtime::prelude::*;
/// #[procedure(get)]
/// async fn id() -> u64 { u64::MAX }
///
/// let contract = App::<()>::new().mount("post", router![id]).describe();
/// assert!(contract.typescript().is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContractError {
    found: Vec<Unsafe>,
}

impl ContractError {
    pub(super) fn new(found: Vec<Unsafe>) -> Self {
        Self { found }
    }
}

impl fmt::Display for ContractError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for found in &self.found {
            writeln!(f, "{found} is rounded by JavaScript beyond 2^53 - 1")?;
        }
        f.write_str(
            "help: if the value is always smaller, add `#[schemars(extend(\"x-safe-integer\" = true))]` \
             or a range that says so; otherwise let it travel as a string, with \
             `#[schemars(with = \"String\")]` beside its `#[serde(with = …)]`",
        )
    }
}

impl std::error::Error for ContractError {}
