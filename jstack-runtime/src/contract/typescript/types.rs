//! A JSON Schema as a TypeScript type.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::text::{block, doc, key, string};
use crate::contract::type_names::DATE;
use crate::contract::walk::{target, text};

type Object = Map<String, Value>;

/// What is longer is written on several lines.
const WIDTH: usize = 80;

/// A type's text, and whether it needs parentheses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Type {
    pub(super) text: String,
    binds: Binds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Binds {
    Union,
    Intersection,
    Atom,
}

impl Type {
    fn atom(text: impl Into<String>) -> Self {
        Self { text: text.into(), binds: Binds::Atom }
    }

    fn unknown() -> Self {
        Self::atom("unknown")
    }

    fn inside(&self, outer: Binds) -> String {
        if self.binds < outer { format!("({})", self.text) } else { self.text.clone() }
    }
}

/// The type of the values that `schema` admits.
pub(super) fn type_of(schema: &Value) -> Type {
    part_of(schema, false)
}

/// The same for what is said of a value elsewhere, too: there that it is an object, if `of_an_object`.
fn part_of(schema: &Value, of_an_object: bool) -> Type {
    match schema {
        Value::Bool(false) => Type::atom("never"),
        Value::Object(object) => of_object(object, of_an_object),
        _ => Type::unknown(),
    }
}

/// The members of an interface, if `schema` describes an object and nothing but one.
pub(super) fn interface(schema: &Value) -> Option<Vec<String>> {
    let object = schema.as_object()?;
    let plain = text(object, "type") == Some("object")
        && !["$ref", "oneOf", "anyOf", "allOf", "const", "enum"]
            .iter()
            .any(|k| object.contains_key(*k));
    plain.then(|| members(object))
}

/// All constraints of a value apply at once.
fn of_object(object: &Object, of_an_object: bool) -> Type {
    let of_an_object = of_an_object || text(object, "type") == Some("object");
    let mut parts: Vec<Type> = Vec::new();
    if let Some(value) = object.get("const") {
        return Type::atom(literal(value));
    }
    if let Some(Value::Array(values)) = object.get("enum") {
        return union(values.iter().map(|value| (String::new(), Type::atom(literal(value)))));
    }
    let composed = ["oneOf", "anyOf", "allOf", "$ref"].iter().any(|key| object.contains_key(*key));
    let says_nothing =
        composed && text(object, "type") == Some("object") && members(object).is_empty();
    if !says_nothing && let Some(own) = own_type(object, composed) {
        parts.push(own);
    }
    parts.extend(target(object).map(Type::atom));
    for key in ["oneOf", "anyOf"] {
        if let Some(Value::Array(options)) = object.get(key) {
            let absent = if of_an_object { absent(options) } else { None };
            let option = |option: &Value| match &absent {
                Some(absent) if says_nothing_at_all(option) => absent.clone(),
                _ => type_of(option),
            };
            parts.push(union(options.iter().map(|part| (variant_doc(part), option(part)))));
        }
    }
    if let Some(Value::Array(all)) = object.get("allOf") {
        parts.extend(all.iter().map(|part| part_of(part, of_an_object)));
    }
    intersection(parts)
}

/// What an empty alternative is beside others that describe parts of an object, as a flattened `Option`
/// of an enum has it: none of the others' members. As `unknown` it would make all of them `unknown`.
fn absent(options: &[Value]) -> Option<Type> {
    let mut names = BTreeSet::new();
    for option in options {
        names_of(option, &mut names)?;
    }
    let members: Vec<_> = names.into_iter().map(|name| format!("{}?: never", key(name))).collect();
    (!members.is_empty()).then(|| inline(&members, true))
}

/// Adds the names of all members that an object may have by `schema`; `None` if it does not list them.
fn names_of<'a>(schema: &'a Value, names: &mut BTreeSet<&'a str>) -> Option<()> {
    let object = schema.as_object()?;
    if object.contains_key("$ref") {
        return None;
    }
    let properties = object.get("properties").and_then(Value::as_object);
    names.extend(properties.into_iter().flatten().map(|(name, _)| &**name));
    for key in ["oneOf", "anyOf", "allOf"] {
        for part in object.get(key).and_then(Value::as_array).into_iter().flatten() {
            names_of(part, names)?;
        }
    }
    Some(())
}

/// Whether a schema admits everything.
fn says_nothing_at_all(schema: &Value) -> bool {
    schema.as_object().is_some_and(Object::is_empty)
}

/// What `type` and the keywords of that type say; `None` if there is no `type`.
fn own_type(object: &Object, composed: bool) -> Option<Type> {
    let of = |kind: &str| match kind {
        "string" if object.contains_key(DATE) => Type::atom("Date"),
        "string" | "boolean" | "null" => Type::atom(kind),
        "integer" | "number" => Type::atom("number"),
        "array" => array(object),
        "object" => inline(&members(object), composed),
        _ => Type::unknown(),
    };
    match object.get("type") {
        Some(Value::String(kind)) => Some(of(kind)),
        Some(Value::Array(kinds)) => {
            let kinds = kinds.iter().filter_map(Value::as_str);
            Some(union(kinds.map(|kind| (String::new(), of(kind)))))
        }
        _ if object.contains_key("properties") => Some(inline(&members(object), composed)),
        _ => None,
    }
}

fn intersection(mut parts: Vec<Type>) -> Type {
    parts.retain(|part| part.text != "unknown");
    parts.dedup();
    match parts.len() {
        0 => Type::unknown(),
        1 => parts.swap_remove(0),
        _ => {
            let parts: Vec<_> = parts.iter().map(|part| part.inside(Binds::Intersection)).collect();
            Type { text: parts.join(" & "), binds: Binds::Intersection }
        }
    }
}

/// Each option with its documentation.
fn union(options: impl Iterator<Item = (String, Type)>) -> Type {
    let mut all: Vec<(String, Type)> = Vec::new();
    for (doc, option) in options {
        if option.text == "unknown" {
            return option;
        }
        if option.text != "never" && !all.iter().any(|(_, other)| other.text == option.text) {
            all.push((doc, option));
        }
    }
    match all.as_slice() {
        [] => Type::atom("never"),
        [(doc, only)] if doc.is_empty() => only.clone(),
        _ => {
            let width: usize = all.iter().map(|(_, option)| option.text.chars().count() + 3).sum();
            let tall = width > WIDTH
                || all.iter().any(|(doc, option)| !doc.is_empty() || option.text.contains('\n'));
            let text = if tall {
                let lines = all.iter().map(|(doc, option)| {
                    // A tall union begins with its own bar.
                    let is_tall = option.text.starts_with('\n');
                    let text = option.inside(if is_tall { Binds::Atom } else { Binds::Union });
                    let (doc, text) = (doc.replace('\n', "\n  "), text.replace('\n', "\n  "));
                    format!("\n  {doc}| {text}")
                });
                lines.collect()
            } else {
                all.iter().map(|(_, option)| option.text.as_str()).collect::<Vec<_>>().join(" | ")
            };
            Type { text, binds: Binds::Union }
        }
    }
}

/// The documentation of a variant; a named type has its own.
fn variant_doc(schema: &Value) -> String {
    schema.as_object().map(comment).unwrap_or_default()
}

/// What a schema says for readers.
pub(super) fn comment(object: &Object) -> String {
    said(object, false)
}

/// The same with the value that a field has when it is left out.
fn said(object: &Object, is_optional: bool) -> String {
    let mut said = text(object, "description").unwrap_or_default().to_owned();
    if let Some(value) = object.get("default").filter(|value| is_optional && !value.is_null()) {
        let _ = write!(said, "\n@default {value}");
    }
    if object.get("deprecated") == Some(&Value::Bool(true)) {
        said += "\n@deprecated";
    }
    doc(&said)
}

fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<_> = fields
                .iter()
                .map(|(name, value)| format!("{}: {}", key(name), literal(value)))
                .collect();
            format!("{{ {} }}", fields.join("; "))
        }
        other => other.to_string(),
    }
}

/// How many places a tuple may have to be written as one.
const TUPLE: u64 = 16;

fn array(object: &Object) -> Type {
    let count = |key| object.get(key).and_then(Value::as_u64);
    let items = object.get("items").map_or_else(Type::unknown, type_of);
    let rest = format!("{}[]", items.inside(Binds::Atom));
    let Some(Value::Array(places)) = object.get("prefixItems") else {
        return match (count("minItems"), count("maxItems")) {
            (_, Some(0)) => Type::atom("[]"),
            (Some(min), Some(max)) if min == max && min <= TUPLE => {
                let places: Vec<_> = (0..min).map(|_| items.text.clone()).collect();
                Type::atom(format!("[{}]", places.join(", ")))
            }
            _ => Type::atom(rest),
        };
    };
    let (min, max) = (count("minItems").unwrap_or(0), count("maxItems"));
    let mut texts: Vec<_> = (0..)
        .zip(places)
        .take_while(|(index, _)| max.is_none_or(|max| *index < max))
        .map(|(index, place)| {
            let place = type_of(place);
            if index < min { place.text } else { format!("{}?", place.inside(Binds::Atom)) }
        })
        .collect();
    let closed = object.get("items") == Some(&Value::Bool(false)) || max.is_some();
    if !closed {
        texts.push(format!("...{rest}"));
    }
    Type::atom(format!("[{}]", texts.join(", ")))
}

/// An object type in its place.
fn inline(members: &[String], composed: bool) -> Type {
    let short = members.iter().all(|member| !member.contains('\n'));
    let width: usize = members.iter().map(|member| member.chars().count() + 2).sum();
    Type::atom(match members {
        [] if composed => "unknown".to_owned(),
        [] => "{ [key: string]: unknown }".to_owned(),
        _ if short && width <= WIDTH => format!("{{ {} }}", members.join("; ")),
        _ => block(members),
    })
}

/// The members of an object type, each with its documentation.
fn members(object: &Object) -> Vec<String> {
    let required: Vec<&str> = match object.get("required") {
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let mut lines = Vec::new();
    // A named property is subject to an index signature as well, so that one must admit them all.
    let mut named: Vec<Type> = Vec::new();
    let mut properties: Vec<_> =
        object.get("properties").and_then(Value::as_object).into_iter().flatten().collect();
    properties.sort_by_key(|(name, _)| *name);
    for &(name, schema) in &properties {
        let value = type_of(schema);
        let optional = !required.contains(&name.as_str());
        let mark = if optional { "?" } else { "" };
        let doc = schema.as_object().map(|schema| said(schema, optional)).unwrap_or_default();
        lines.push(format!("{doc}{}{mark}: {}", key(name), value.text));
        named.push(value);
        if optional {
            named.push(Type::atom("undefined"));
        }
    }
    for name in required {
        if !properties.iter().any(|(known, _)| *known == name) {
            lines.push(format!("{}: unknown", key(name)));
            named.push(Type::unknown());
        }
    }
    lines.extend(index_signatures(object, named));
    lines
}

fn index_signatures(object: &Object, named: Vec<Type>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut others = Vec::new();
    for (pattern, schema) in
        object.get("patternProperties").and_then(Value::as_object).into_iter().flatten()
    {
        let value = type_of(schema);
        if matches!(pattern.as_str(), r"^\d+$" | r"^-?\d+$") {
            // The first lets `map[5]` pass, the second `"18446744073709551615"`, which no number is.
            lines.push(format!("[key: number]: {}", value.text));
            lines.push(format!("[key: `${{number}}`]: {}", value.text));
        } else {
            others.push(value);
        }
    }
    let open = object.get("additionalProperties").or_else(|| object.get("unevaluatedProperties"));
    match open {
        Some(Value::Bool(false)) if lines.is_empty() && others.is_empty() && named.is_empty() => {
            lines.push("[key: string]: never".to_owned());
        }
        None | Some(Value::Bool(false)) => {}
        Some(schema) => others.push(type_of(schema)),
    }
    if !others.is_empty() {
        let value = union(others.into_iter().chain(named).map(|value| (String::new(), value)));
        lines.push(format!("[key: string]: {}", value.text));
    }
    lines
}
