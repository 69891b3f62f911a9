//! Writing superjson.

use std::fmt::{self, Display, Write as _};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::http::shape::{SchemaNode, TypeSchema};
use crate::payload::write_json;

/// Writes `value` as superjson; points in time, known by the schema, are marked as `Date`.
pub(crate) fn write<T: Serialize + JsonSchema + 'static>(value: &T) -> serde_json::Result<Vec<u8>> {
    const START: &[u8] = br#"{"json":"#;
    let mut text = Vec::with_capacity(256);
    text.extend_from_slice(START);
    write_json(value, &mut text)?;
    let shape = TypeSchema::of::<T>().output();
    if shape.has_dates() {
        let written: Value = serde_json::from_slice(&text[START.len()..])?;
        let mut dates = Dates::default();
        dates.find(&written, &|| shape.root());
        dates.write(&mut text)?;
    }
    text.push(b'}');
    Ok(text)
}

/// The paths of the points in time in a value.
#[derive(Default)]
struct Dates {
    path: String,
    /// How deep `path` leads.
    depth: usize,
    found: Vec<String>,
    is_root: bool,
}

impl Dates {
    /// Adds those in `value`. Its place is asked for only where something could be found.
    fn find<'a>(&mut self, value: &Value, place: &dyn Fn() -> SchemaNode<'a>) {
        match value {
            Value::String(text) if is_date_time(text) && place().is_date() => {
                self.is_root = self.depth == 0;
                self.found.push(self.path.clone());
            }
            Value::Array(items) if !items.is_empty() => {
                let place = place().of(value);
                let every = place.is_list().then(|| place.element(0));
                for (index, item) in items.iter().enumerate() {
                    let place = || every.clone().unwrap_or_else(|| place.element(index));
                    self.inside(format_args!("{index}"), item, &place);
                }
            }
            Value::Object(fields) => {
                let place = place().of(value);
                for (key, field) in fields {
                    // The stock client throws on the first three, and reads a path on through a
                    // trailing backslash.
                    let unsafe_key = matches!(&**key, "__proto__" | "constructor" | "prototype");
                    if !unsafe_key && (field.is_string() || !key.ends_with('\\')) {
                        self.inside(Escaped(key), field, &|| place.field(key));
                    }
                }
            }
            _ => {}
        }
    }

    fn inside<'a>(&mut self, key: impl Display, value: &Value, place: &dyn Fn() -> SchemaNode<'a>) {
        if matches!(value, Value::Null | Value::Bool(_) | Value::Number(_)) {
            return;
        }
        let before = self.path.len();
        let dot = if self.depth > 0 { "." } else { "" };
        let _ = write!(self.path, "{dot}{key}");
        self.depth += 1;
        self.find(value, place);
        self.depth -= 1;
        self.path.truncate(before);
    }

    fn write(&self, text: &mut Vec<u8>) -> serde_json::Result<()> {
        if self.is_root {
            text.extend_from_slice(br#","meta":{"values":["Date"]}"#);
            return Ok(());
        }
        for (nth, path) in self.found.iter().enumerate() {
            text.extend_from_slice(if nth == 0 { br#","meta":{"values":{"# } else { b"," });
            serde_json::to_writer(&mut *text, path)?;
            text.extend_from_slice(br#":["Date"]"#);
        }
        if !self.found.is_empty() {
            text.extend_from_slice(b"}}");
        }
        Ok(())
    }
}

/// A key as it is written in a path.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, part) in self.0.split('.').enumerate() {
            f.write_str(if nth > 0 { "\\." } else { "" })?;
            f.write_str(part)?;
        }
        Ok(())
    }
}

/// Whether JavaScript reads `text` as the point in time that RFC 3339 says it is: a text of
/// another form would arrive as an invalid `Date`.
fn is_date_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |from: usize, pattern: &[u8]| {
        bytes.get(from..from + pattern.len()).is_some_and(|part| {
            part.iter().zip(pattern).all(|(byte, expected)| match expected {
                b'0' => byte.is_ascii_digit(),
                expected => byte == expected,
            })
        })
    };
    if !digits(0, b"0000-00-00T00:00:00") || &bytes[17..19] == b"60" {
        return false;
    }
    let mut at = 19;
    if bytes.get(at) == Some(&b'.') {
        let fraction = bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if fraction == 0 {
            return false;
        }
        at += 1 + fraction;
    }
    match bytes.get(at) {
        Some(b'Z') => bytes.len() == at + 1,
        Some(b'+' | b'-') => bytes.len() == at + 6 && digits(at + 1, b"00:00"),
        _ => false,
    }
}
