//! Going through a JSON Schema.

use serde_json::{Map, Value};

/// Where all references to named types point.
pub(super) const DEFS: &str = "#/$defs/";

/// Calls `visit` for each schema object in `schema`, the outer before the inner. What only looks
/// like a schema, a `const` or an example, is left alone.
pub(super) fn walk(schema: &mut Value, visit: &mut dyn FnMut(&mut Map<String, Value>)) {
    let Value::Object(object) = schema else { return };
    visit(object);
    for (key, value) in object.iter_mut() {
        match (key.as_str(), value) {
            (
                "properties" | "patternProperties" | "$defs" | "dependentSchemas",
                Value::Object(map),
            ) => {
                map.values_mut().for_each(|value| walk(value, visit));
            }
            ("const" | "enum" | "default" | "examples" | "required", _) => {}
            (key, _) if key.starts_with("x-") => {}
            (_, Value::Array(items)) => items.iter_mut().for_each(|item| walk(item, visit)),
            (_, value) => walk(value, visit),
        }
    }
}

/// Replaces the target of each reference to a named type; `rename` returns all of it.
pub(super) fn references(schema: &mut Value, rename: &mut dyn FnMut(&str) -> String) {
    walk(schema, &mut |object| {
        if let Some(Value::String(target)) = object.get_mut("$ref")
            && let Some(name) = target.strip_prefix(DEFS)
        {
            *target = rename(name);
        }
    });
}

/// The name of the type that this schema refers to.
pub(super) fn target(object: &Map<String, Value>) -> Option<&str> {
    object.get("$ref")?.as_str()?.strip_prefix(DEFS)
}

/// A schema's keyword that is a text.
pub(super) fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}
