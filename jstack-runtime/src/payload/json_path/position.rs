//! Which part of a JSON text an error of `serde_json`'s is about.
//!
//! The error knows line and column alone, which mostly is the end of the value that was refused.
//! Where it is not, a second parse of a slightly different text shows it. Learning the path on the way
//! would need every type's decoding to be compiled twice.

use serde_json::Error;

use crate::payload::issue_path;

/// The text to decode once more after `error`, to learn where it came from.
///
/// A type that refuses what it read itself (`try_from`, `deserialize_with`, a tag inside) knows no
/// position. `serde_json` then gives one on its way out, after it has tried to end the container
/// around: that of the value, unless the value was the last. So there may be no last one.
pub(crate) fn changed(json: &str, error: &Error) -> String {
    let mut text = json.to_owned();
    if let Some(last) = position(json, error).and_then(|end| end.checked_sub(1))
        && matches!(json.as_bytes().get(last), Some(b'}' | b']'))
    {
        text.insert(last, ',');
    }
    text
}

/// The path of the value that `error` is about, as `author.tags[2]`; empty for the whole. `again`
/// is the error of the text that [`changed`] made.
pub(crate) fn of(json: &str, error: &Error, changed: &str, again: Option<&Error>) -> String {
    let message = |error: &Error| position_free(&error.to_string());
    let said = message(error);
    match again.filter(|again| message(again) == said) {
        Some(again) => at(changed, again, &said),
        None => at(json, error, &said),
    }
}

/// Without ` at line 1 column 7`, which says nothing to somebody who wrote no lines.
pub(crate) fn position_free(message: &str) -> String {
    match message.rfind(" at line ") {
        Some(at) => message[..at].to_owned(),
        None => message.to_owned(),
    }
}

/// How much was read before the error; `None` for an error of the whole.
fn position(json: &str, error: &Error) -> Option<usize> {
    let line = error.line().checked_sub(1)?;
    let start = json.split_inclusive('\n').take(line).map(str::len).sum::<usize>();
    Some(start + error.column())
}

fn at(json: &str, error: &Error, said: &str) -> String {
    let Some(until) = position(json, error) else { return String::new() };
    Walk { json, at: 0, until, inside: Vec::new() }.path(&Said::new(said))
}

/// What the message says about the position.
enum Said {
    /// It is the end of the value, or of what is around it.
    Nothing,
    /// A tuple has more elements than it should: it is in one that nobody wants.
    TooLong,
    /// An object or array was refused before it was read: it is its first byte.
    Container,
    /// The same where neither was expected (of an enum, an `i128`): it is the byte after.
    Peeked,
    /// It is behind a key that nobody knows, or that is not a number.
    Key,
}

impl Said {
    fn new(said: &str) -> Self {
        match said {
            "trailing characters" => Self::TooLong,
            "expected value" | "invalid number" => Self::Peeked,
            _ if said.starts_with("invalid type: map") => Self::Container,
            _ if said.starts_with("invalid type: sequence") => Self::Container,
            _ if said.starts_with("unknown field") => Self::Key,
            _ if said.contains("expected key to be") => Self::Key,
            _ => Self::Nothing,
        }
    }

    /// Whether the container that starts at `at` is one element too many.
    fn does_not_want(&self, at: usize, until: usize) -> bool {
        matches!(self, Self::TooLong) && at + 1 == until
    }

    /// Whether the container that starts at `at` was refused as such.
    fn refuses(&self, at: usize, until: usize) -> bool {
        match self {
            Self::Container => at == until,
            Self::Peeked => at + 1 == until,
            _ => false,
        }
    }
}

/// A container around the current position.
enum Inside<'a> {
    /// Its key as written, without the quotes; empty before the first one.
    Object(&'a str),
    /// The index of its element.
    Array(usize),
}

/// A walk through a text up to a position. Text that is not JSON ends it early.
struct Walk<'a> {
    json: &'a str,
    at: usize,
    until: usize,
    inside: Vec<Inside<'a>>,
}

impl<'a> Walk<'a> {
    fn path(mut self, said: &Said) -> String {
        let mut value_next = true;
        // The position of an error that peeked into the latest value and refused it.
        let mut peeked = 0;
        loop {
            self.skip_space();
            let here = self.at == self.until;
            let Some(byte) = self.peek().filter(|_| self.at <= self.until) else {
                return self.of_container();
            };
            match byte {
                b'{' | b'[' if value_next && said.refuses(self.at, self.until) => {
                    return self.of_value();
                }
                b'{' | b'[' if value_next && said.does_not_want(self.at, self.until) => {
                    return self.of_container();
                }
                _ if value_next && here && self.is_later_element() => return self.of_previous(),
                b'{' | b'[' if value_next => {
                    self.at += 1;
                    value_next = byte == b'[';
                    self.inside.push(if value_next {
                        Inside::Array(0)
                    } else {
                        Inside::Object("")
                    });
                }
                b'}' | b']' if here => return self.of_container(),
                b'}' | b']' => {
                    self.inside.pop();
                    if self.json[..self.at].ends_with(['{', '[']) {
                        peeked = self.at + 1;
                    }
                    self.at += 1;
                    value_next = false;
                }
                b',' if here && matches!(said, Said::Peeked) => return self.of_container(),
                b',' if here => return self.of_value(),
                b',' => {
                    self.at += 1;
                    value_next = false;
                    if let Some(Inside::Array(index)) = self.inside.last_mut() {
                        *index += 1;
                        value_next = true;
                    }
                    continue;
                }
                b'"' if !value_next => {
                    let key = self.text();
                    if let Some(Inside::Object(current)) = self.inside.last_mut() {
                        *current = key;
                    }
                    if self.at >= self.until {
                        let named = matches!(said, Said::Key);
                        return if named { self.of_value() } else { self.of_container() };
                    }
                    continue;
                }
                b':' => {
                    self.at += 1;
                    value_next = true;
                    continue;
                }
                _ if value_next => {
                    peeked = self.at + 1;
                    self.scalar(byte);
                    value_next = false;
                }
                _ => return self.of_container(),
            }
            if !value_next && self.at >= self.until && !matches!(byte, b'{') {
                // An enum has one variant: behind a whole value, its end was expected. After a number of
                // one digit that cannot be distinguished from the number being refused.
                let around = match said {
                    Said::TooLong => true,
                    Said::Peeked => self.at == self.until && self.at != peeked,
                    _ => false,
                };
                return if around { self.of_container() } else { self.of_value() };
            }
        }
    }

    fn is_later_element(&self) -> bool {
        matches!(self.inside.last(), Some(Inside::Array(1..)))
    }

    /// The path of the element before: it was passed over with its comma.
    fn of_previous(mut self) -> String {
        if let Some(Inside::Array(index)) = self.inside.last_mut() {
            *index -= 1;
        }
        self.of_value()
    }

    fn peek(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    /// Passes over a text, and gives what is between its quotes.
    fn text(&mut self) -> &'a str {
        let start = self.at + 1;
        let mut skip = false;
        for (length, byte) in self.json.bytes().skip(start).enumerate() {
            match byte {
                _ if skip => skip = false,
                b'\\' => skip = true,
                b'"' => {
                    self.at = start + length + 1;
                    return &self.json[start..start + length];
                }
                _ => {}
            }
        }
        self.at = self.json.len();
        ""
    }

    fn scalar(&mut self, first: u8) {
        if first == b'"' {
            self.text();
            return;
        }
        self.at += 1;
        while self.peek().is_some_and(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
            self.at += 1;
        }
    }

    /// The path of the current value.
    fn of_value(&self) -> String {
        path(&self.inside)
    }

    /// The path of what the current value is in.
    fn of_container(&self) -> String {
        path(self.inside.split_last().map_or(&[], |(_, around)| around))
    }
}

fn path(inside: &[Inside<'_>]) -> String {
    let mut text = String::new();
    for part in inside {
        match part {
            Inside::Object(key) => {
                let decoded = serde_json::from_str::<String>(&format!("\"{key}\""));
                issue_path::push_key(&mut text, decoded.as_deref().unwrap_or(key));
            }
            Inside::Array(index) => issue_path::push_index(&mut text, index),
        }
    }
    text
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
