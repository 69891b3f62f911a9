//! Reads JSON from the query or the body of a request.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{Error, Issue, Result};
use crate::http::percent;
use crate::http::shape::{SchemaNode, Shape, TypeSchema};
use crate::http::superjson::{self, Superjson};
use crate::platform::HashSet;

#[cfg(test)]
#[path = "tests/mod.rs"]
mod tests;

/// A GET procedure's input as JSON; `None` if there is no field in the query.
pub(super) fn from_query(query: &str, of: TypeSchema) -> Option<String> {
    Some(query_fields(query, of)?.json(of))
}

/// A POST procedure's input as JSON; `None` if `null` means no input.
pub(super) fn from_body(body: &[u8], of: TypeSchema) -> Result<Option<String>> {
    let json = body_json(body, of)?;
    let is_missing = json.trim_ascii() == "null" && !of.input().root().kinds().allows_null();
    Ok((!is_missing).then(|| json.into_owned()))
}

#[cold]
pub(super) fn no_input_at_all() -> Error {
    Error::invalid(vec![Issue::new("", "the input is missing")])
}

/// The fields of an input, each with its JSON text.
#[derive(Default)]
struct Fields<'a> {
    list: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Fields<'a> {
    /// Adds one that was sent as `text`: superjson, or just that text.
    fn add(&mut self, key: Cow<'a, str>, text: &str, of: TypeSchema, plain: Plain) {
        let json = match superjson::read(text) {
            Some(Superjson::Plain(json)) => json.to_owned(),
            Some(Superjson::Marked(value, marks)) => {
                let shape = of.input();
                match marks.apply(value, &field(&shape.root(), &key)) {
                    Some(value) => value.to_string(),
                    None if may_be_element(&shape, &key) => "null".to_owned(),
                    None => return,
                }
            }
            None => plain(text, &key, of),
        };
        self.list.push((key, json.into()));
    }

    /// All of them as one JSON text.
    fn json(&self, of: TypeSchema) -> String {
        let length = self.list.iter().map(|(key, json)| key.len() + json.len() + 4).sum::<usize>();
        let mut text = String::with_capacity(length + 2);
        let is_array = self.is_counted() && is_array(&of.input(), self.list.len());
        text.push(if is_array { '[' } else { '{' });
        for (nth, (key, json)) in self.list.iter().enumerate() {
            if nth > 0 {
                text.push(',');
            }
            if !is_array {
                text.push_str(&quoted(key));
                text.push(':');
            }
            text.push_str(json);
        }
        text.push(if is_array { ']' } else { '}' });
        text
    }

    /// Whether this may be an array: the stock client takes one apart as if it were an object.
    fn is_counted(&self) -> bool {
        self.list.iter().enumerate().all(|(nth, (key, _))| *key == nth.to_string())
    }
}

/// Whether fields that are counted, so many of them, are the elements of an array. Where objects are possible,
/// too, they are if no object is that has such fields, or none that has no field at all.
fn is_array(shape: &Shape, count: usize) -> bool {
    let root = shape.root();
    let kinds = root.kinds();
    kinds.array && !kinds.any && !(kinds.object && root.is_object_with(count))
}

/// Whether what has this key may be the element of an array.
fn may_be_element(shape: &Shape, key: &str) -> bool {
    let kinds = shape.root().kinds();
    kinds.array && (!kinds.object || key.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A text that is not superjson, as JSON.
type Plain = fn(&str, &str, TypeSchema) -> String;

/// The place of a field: of an element, where the stock client took apart an array.
fn field<'a>(root: &SchemaNode<'a>, key: &str) -> SchemaNode<'a> {
    match key.parse() {
        Ok(index) if root.kinds().array => root.element(index),
        _ => root.field(key),
    }
}

/// A plain text of the query as JSON: a number or a boolean where the field `key` is one.
fn plain(text: &str, key: &str, of: TypeSchema) -> String {
    let is_boolean = matches!(text, "true" | "false");
    let is_number = text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
        && serde_json::from_str::<&RawValue>(text).is_ok_and(|raw| raw.get() == text);
    if is_boolean || is_number {
        let kinds = field(&of.input().root(), key).kinds();
        let is_meant = if is_boolean { kinds.boolean } else { kinds.integer || kinds.number };
        if is_meant && !kinds.string {
            return text.to_owned();
        }
    }
    quoted(text)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn query_fields(query: &str, of: TypeSchema) -> Option<Fields<'_>> {
    let mut fields = Fields::default();
    let mut seen: HashSet<_> = HashSet::default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, text) = pair.split_once('=').unwrap_or((pair, ""));
        let key = decoded(key);
        if seen.insert(key.clone()) {
            fields.add(key, &decoded(text), of, plain);
        }
    }
    (!seen.is_empty()).then_some(fields)
}

/// Undoes `%20` and `+`. An invalid escape stays as it is; what is not UTF-8 becomes `�`, as
/// browsers do it.
fn decoded(text: &str) -> Cow<'_, str> {
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    let bytes = percent::decoded(text, true);
    match String::from_utf8(bytes) {
        Ok(text) => Cow::Owned(text),
        Err(error) => Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()),
    }
}

/// The body as plain JSON: of an object's values, superjson texts are read.
fn body_json(body: &[u8], of: TypeSchema) -> Result<Cow<'_, str>> {
    let text = std::str::from_utf8(body).map_err(|error| not_utf8(body, &error))?;
    // Files that Windows programs write begin with a mark of the byte order, which is not JSON.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.trim_ascii_start().starts_with('{') {
        serde_json::from_str::<&RawValue>(text).map_err(|error| not_json(&error))?;
        return Ok(Cow::Borrowed(text));
    }
    let mut parser = serde_json::Deserializer::from_str(text);
    let fields = parser.deserialize_map(Object { of });
    match fields.and_then(|fields| parser.end().map(|()| fields)) {
        Ok(fields) => Ok(Cow::Owned(fields.json(of))),
        // A key may have half of a character, which only decoding finds, and names.
        Err(_) if serde_json::from_str::<&RawValue>(text).is_ok() => Ok(Cow::Borrowed(text)),
        Err(error) => Err(not_json(&error)),
    }
}

#[cold]
fn not_utf8(body: &[u8], error: &std::str::Utf8Error) -> Error {
    Error::bad_request(match body {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            "the body is UTF-16; JSON travels as UTF-8".to_owned()
        }
        [0x1f, 0x8b, ..] => {
            "the body is compressed with gzip, which `content-encoding` does not say".to_owned()
        }
        _ => format!("the body is not UTF-8 from byte {} on", error.valid_up_to()),
    })
}

#[cold]
fn not_json(error: &serde_json::Error) -> Error {
    Error::bad_request(format!("the body is not JSON: {error}"))
}

struct Object {
    of: TypeSchema,
}

impl<'de> Visitor<'de> for Object {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value::<&RawValue>()?.get();
            let text = value.starts_with('"').then(|| serde_json::from_str::<String>(value));
            match text {
                Some(Ok(text)) => {
                    fields.add(key.into(), &text, self.of, |text, _, _| quoted(text));
                }
                // Not a text, or one with half of a character, which decoding names.
                Some(Err(_)) | None => fields.list.push((key.into(), value.into())),
            }
        }
        Ok(fields)
    }
}
