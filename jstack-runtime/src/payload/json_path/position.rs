//! Which part of a JSON text an error of `serde_json` is about.
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
pub(crate) fn probe_text(json: &str, error: &Error) -> String {
    let mut text = json.to_owned();
    if let Some(last) = position(json, error).and_then(|end| end.checked_sub(1))
        && matches!(json.as_bytes().get(last), Some(b'}' | b']'))
    {
        text.insert(last, ',');
    }
    text
}

/// The path of the value that `error` is about, as `author.tags[2]`; empty for the whole. `again`
/// is the error of the text that [`probe_text`] made.
pub(crate) fn error_path(json: &str, error: &Error, probe: &str, again: Option<&Error>) -> String {
    let text = |error: &Error| position_free(&error.to_string());
    let message = text(error);
    match again.filter(|again| text(again) == message) {
        Some(again) => at(probe, again, &message),
        None => at(json, error, &message),
    }
}

/// The message without ` at line 1 column 7`: the sender of one line has no use for it.
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

fn at(json: &str, error: &Error, message: &str) -> String {
    let Some(until) = position(json, error) else { return String::new() };
    Walk { json, at: 0, until, inside: Vec::new() }.path(&ErrorPosition::of(message))
}

/// What the message says about the position.
enum ErrorPosition {
    /// The position is the end of the value, or of its container.
    Nothing,
    /// A tuple has too many elements: the position is inside a surplus one.
    TooLong,
    /// An object or array was refused before it was read: the position is its first byte.
    Container,
    /// The same where neither was expected (by an enum, an `i128`): the position is the byte after.
    Peeked,
    /// The position is behind an unknown key, or one that is not a number.
    Key,
}

impl ErrorPosition {
    fn of(message: &str) -> Self {
        match message {
            "trailing characters" => Self::TooLong,
            "expected value" | "invalid number" => Self::Peeked,
            _ if message.starts_with("invalid type: map") => Self::Container,
            _ if message.starts_with("invalid type: sequence") => Self::Container,
            _ if message.starts_with("unknown field") => Self::Key,
            _ if message.contains("expected key to be") => Self::Key,
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
    fn path(mut self, position: &ErrorPosition) -> String {
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
                b'{' | b'[' if value_next && position.refuses(self.at, self.until) => {
                    return self.of_value();
                }
                b'{' | b'[' if value_next && position.does_not_want(self.at, self.until) => {
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
                b',' if here && matches!(position, ErrorPosition::Peeked) => {
                    return self.of_container();
                }
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
                        let named = matches!(position, ErrorPosition::Key);
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
                let around = match position {
                    ErrorPosition::TooLong => true,
                    ErrorPosition::Peeked => self.at == self.until && self.at != peeked,
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
