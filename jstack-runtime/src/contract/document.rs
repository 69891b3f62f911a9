//! What OpenAPI and AsyncAPI documents have in common.

use serde_json::{Map, Value, json};

use super::contract::Contract;
use super::type_names::DATE;
use super::walk::{references, walk};

/// The named types as `#/components/schemas`.
pub(super) fn components(contract: &Contract) -> Map<String, Value> {
    contract
        .types()
        .filter(|(name, _)| !contract.dated.contains_key(*name))
        .map(|(name, schema)| (name.to_owned(), component(contract, schema)))
        .collect()
}

/// A schema of the contract with its references pointing into the document. Whether a date is
/// text or a `Date` makes no difference to its JSON.
pub(super) fn component(contract: &Contract, schema: &Value) -> Value {
    let mut schema = schema.clone();
    references(&mut schema, &mut |name| {
        let name = contract.dated.get(name).map_or(name, String::as_str);
        format!("#/components/schemas/{name}")
    });
    walk(&mut schema, &mut |object| {
        object.remove(DATE);
    });
    schema
}

/// The `info` of a document.
pub(super) fn info(contract: &Contract) -> Value {
    json!({ "title": contract.title, "version": contract.version })
}

/// A path as a name that references may use: `post.recent`.
pub(super) fn id(path: &str) -> String {
    path.chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '.' })
        .collect()
}

/// Adds the first line of `docs` as `summary` and, if there are more, all of it as `description`.
pub(super) fn describe(object: &mut Map<String, Value>, docs: &str) {
    let first = docs.lines().next().unwrap_or_default().trim();
    if first.is_empty() {
        return;
    }
    object.insert("summary".to_owned(), first.into());
    if docs.trim() != first {
        object.insert("description".to_owned(), docs.into());
    }
}

/// An array of issues, as errors carry it.
pub(super) fn issues() -> Value {
    json!({
        "type": "array",
        "items": {
            "type": "object",
            "required": ["path", "message"],
            "properties": {
                "path": { "type": "string", "description": "The field, as `author.name` or `tags[2]`; empty for the value as a whole." },
                "message": { "type": "string" },
            },
        },
    })
}
