//! superjson: JSON with a note beside it of what JSON has no values for.
//!
//! What a client sends becomes plain JSON for serde: `undefined` is absent (`null` in an array),
//! a `Date` its ISO text, a `bigint` a number if 64 bits hold it and its digits as a text
//! otherwise, a set an array, a regexp and a URL their text. A map becomes an object where the
//! schema wants one and its keys allow, and an array of pairs elsewhere. `-0` is that number (0
//! for an integer); `NaN` and the infinities stay the texts `"NaN"`, `"Infinity"` and
//! `"-Infinity"`, because no JSON number is one: an `f64` refuses them by name, and a field with
//! a `deserialize_with` of its own may take them. `referentialEqualities` say only which equal
//! parts were one object, and are not needed.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Number, Value};

use crate::http::shape::SchemaNode;

#[cfg(test)]
#[path = "tests.rs"]
pub(crate) mod tests;

/// A text that is superjson.
#[derive(Debug)]
pub(crate) enum Superjson<'a> {
    /// Nothing in it that JSON has another value for: this text is the value.
    Plain(&'a str),
    /// A value and what is marked in it.
    Marked(Value, Marks),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outer<'a> {
    #[serde(borrow)]
    json: &'a RawValue,
    #[serde(borrow, default)]
    meta: Option<&'a RawValue>,
}

/// Reads `text` if it is superjson: an object with `json` and at most `meta` beside it.
pub(crate) fn read(text: &str) -> Option<Superjson<'_>> {
    // Besides being quick, this keeps out arrays, which serde takes for a struct as well.
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let outer: Outer<'_> = serde_json::from_str(text).ok()?;
    let Some(meta) = outer.meta else { return Some(Superjson::Plain(outer.json.get())) };
    // A text of them may have half of a character: decoding the plain value names it.
    let plain = Some(Superjson::Plain(outer.json.get()));
    let Ok(meta) = serde_json::from_str::<Value>(meta.get()) else { return plain };
    let Some(tree) = meta.get("values") else { return plain };
    let Ok(value) = serde_json::from_str::<Value>(outer.json.get()) else { return plain };
    let escapes = match meta.get("v").and_then(Value::as_f64) {
        Some(version) if version >= 1.0 => Escapes::Backslashes,
        _ => Escapes::DotsOnly,
    };
    let mut marks = Marks::default();
    marks.plant(tree, &value, escapes);
    if marks.is_empty() {
        return Some(Superjson::Plain(outer.json.get()));
    }
    Some(Superjson::Marked(value, marks))
}

/// How keys are written in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Escapes {
    /// `.` as `\.` and nothing else, as superjson did before `v: 1`; in the last key not even that.
    DotsOnly,
    /// `\` as `\\` too.
    Backslashes,
}

/// The keys of a path, and where each begins in its text.
fn keys(path: &str, escapes: Escapes) -> Vec<(String, usize)> {
    let mut keys = Vec::new();
    let (mut key, mut start) = (String::new(), 0);
    let mut chars = path.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        match (c, next) {
            ('\\', Some('.')) => {
                key.push('.');
                chars.next();
            }
            ('\\', Some('\\')) if escapes == Escapes::Backslashes => {
                key.push('\\');
                chars.next();
            }
            ('.', _) => {
                keys.push((std::mem::take(&mut key), start));
                start = at + 1;
            }
            _ => key.push(c),
        }
    }
    keys.push((key, start));
    keys
}

/// What is marked in a value, as a tree of the value's own form.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    mark: Option<Mark>,
    inside: BTreeMap<String, Marks>,
}

/// The types that JSON has another value for. Those that are their own JSON (`Date`, `set`,
/// `regexp`, `URL`, …) need no mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Undefined,
    Bigint,
    Number,
    Map,
}

impl Mark {
    fn named(name: &Value) -> Option<Self> {
        match name.as_str()? {
            "undefined" => Some(Self::Undefined),
            "bigint" => Some(Self::Bigint),
            "number" => Some(Self::Number),
            "map" => Some(Self::Map),
            _ => None,
        }
    }
}

impl Marks {
    /// Adds what `tree` says of `value`: `{path: tree, …}`, `[type]` or `[type, {path: tree, …}]`.
    ///
    /// A path that leads nowhere is passed over. So the marks are never deeper than the value,
    /// whose depth the parser limits.
    fn plant(&mut self, tree: &Value, value: &Value, escapes: Escapes) {
        let inside = match tree {
            Value::Array(node) => {
                self.mark = node.first().and_then(Mark::named);
                node.get(1)
            }
            tree => Some(tree),
        };
        for (path, tree) in inside.and_then(Value::as_object).into_iter().flatten() {
            if let Some((marks, value)) = self.at(path, value, escapes) {
                marks.plant(tree, value, escapes);
            }
        }
    }

    /// Whether nothing is marked: most marks are those of `Date`, which is its own JSON.
    fn is_empty(&self) -> bool {
        self.mark.is_none() && self.inside.values().all(Self::is_empty)
    }

    fn at<'a>(
        &mut self,
        path: &str,
        mut value: &'a Value,
        escapes: Escapes,
    ) -> Option<(&mut Marks, &'a Value)> {
        let mut marks = self;
        for (key, start) in keys(path, escapes) {
            match value {
                Value::Array(items) => {
                    value = items.get(key.parse::<usize>().ok()?)?;
                    marks = marks.inside.entry(key).or_default();
                }
                Value::Object(fields) => match (fields.get(&key), fields.get(&path[start..])) {
                    (Some(inner), _) => {
                        value = inner;
                        marks = marks.inside.entry(key).or_default();
                    }
                    // The rest of the path is one key whose dots nobody escaped.
                    (None, Some(inner)) => {
                        let marks = marks.inside.entry(path[start..].to_owned()).or_default();
                        return Some((marks, inner));
                    }
                    (None, None) => return None,
                },
                _ => return None,
            }
        }
        Some((marks, value))
    }

    /// Makes plain JSON of the marked `value`, which is at `place`. `None` is `undefined`.
    pub(crate) fn apply(&self, mut value: Value, place: &SchemaNode<'_>) -> Option<Value> {
        self.apply_inside(&mut value, place);
        match self.mark {
            None => {}
            Some(Mark::Undefined) => return None,
            Some(Mark::Bigint) => bigint(&mut value),
            Some(Mark::Number) => number(&mut value, place),
            Some(Mark::Map) => map(&mut value, place),
        }
        Some(value)
    }

    fn apply_inside(&self, value: &mut Value, place: &SchemaNode<'_>) {
        for (key, marks) in &self.inside {
            match value {
                Value::Object(fields) => {
                    let Some(inner) = fields.get_mut(key).map(Value::take) else { continue };
                    match marks.apply(inner, &place.field(key)) {
                        Some(inner) => _ = fields.insert(key.clone(), inner),
                        None => _ = fields.remove(key),
                    }
                }
                Value::Array(items) => {
                    let Ok(index) = key.parse::<usize>() else { continue };
                    let Some(item) = items.get_mut(index) else { continue };
                    let inner = item.take();
                    let is_entry = self.mark == Some(Mark::Map) && wants_object(place);
                    *item = if is_entry {
                        marks.apply_entry(inner, place)
                    } else {
                        marks.apply(inner, &place.element(index)).unwrap_or_default()
                    };
                }
                _ => {}
            }
        }
    }

    /// The same for one `[key, value]` of a map that becomes an object at `place`.
    fn apply_entry(&self, mut entry: Value, place: &SchemaNode<'_>) -> Value {
        for (index, slot) in entry.as_array_mut().into_iter().flatten().enumerate() {
            let Some(marks) = self.inside.get(if index == 0 { "0" } else { "1" }) else { continue };
            let inner = slot.take();
            let place = if index == 0 { place.nowhere() } else { place.any_field() };
            *slot = marks.apply(inner, &place).unwrap_or_default();
        }
        entry
    }
}

fn wants_object(place: &SchemaNode<'_>) -> bool {
    let kinds = place.kinds();
    kinds.object && !kinds.array && !kinds.any
}

fn bigint(value: &mut Value) {
    let Some(digits) = value.as_str() else { return };
    let number = digits.parse::<u64>().map(Number::from);
    if let Ok(number) = number.or_else(|_| digits.parse::<i64>().map(Number::from)) {
        *value = Value::Number(number);
    }
}

fn number(value: &mut Value, place: &SchemaNode<'_>) {
    if value != "-0" {
        return;
    }
    let kinds = place.kinds();
    *value = if kinds.integer && !kinds.number { Value::from(0) } else { Value::from(-0.0) };
}

fn map(value: &mut Value, place: &SchemaNode<'_>) {
    if !wants_object(place) {
        return;
    }
    let Value::Array(entries) = value else { return };
    let name = |key: &Value| match key {
        Value::String(name) => Some(name.clone()),
        Value::Number(_) | Value::Bool(_) => Some(key.to_string()),
        _ => None,
    };
    let fields = entries.iter().map(|entry| match entry.as_array().map(Vec::as_slice) {
        Some([key, value]) => Some((name(key)?, value.clone())),
        _ => None,
    });
    if let Some(fields) = fields.collect::<Option<_>>() {
        *value = Value::Object(fields);
    }
}

/// Reads any bytes, for the fuzzer.
///
/// # Panics
///
/// If what is read is not JSON again.
#[cfg(feature = "fuzzing")]
pub fn superjson(data: &[u8]) {
    #[derive(schemars::JsonSchema)]
    #[allow(dead_code, reason = "for its schema only")]
    struct Sample {
        count: Option<u32>,
        names: std::collections::BTreeMap<String, Sample>,
        list: Vec<(i64, f64)>,
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let shape = crate::http::shape::Shape::input::<Sample>();
    match read(text) {
        Some(Superjson::Marked(value, marks)) => {
            let value = marks.apply(value, &shape.root()).map(|value| value.to_string());
            assert!(value.is_none_or(|text| serde_json::from_str::<&RawValue>(&text).is_ok()));
        }
        Some(Superjson::Plain(text)) => {
            assert!(serde_json::from_str::<&RawValue>(text).is_ok());
        }
        None => {}
    }
}
