//! Untrusted text in a message, an answer or a log: one policy for its length and escapes.

use std::fmt::{self, Write as _};

/// Untrusted text, ready to be shown: at most [`MOST`](Self::MOST) characters, in one line.
///
/// Invisible characters are escaped as `\u{202e}`, and so is the backslash: the text cannot add lines
/// to a log or change the direction of the text behind it. A text that was cut ends with `…`.
pub(crate) struct Untrusted<'a>(pub(crate) &'a str);

impl Untrusted<'_> {
    /// The most characters that are shown, escapes included.
    pub(crate) const MOST: usize = 100;
}

impl fmt::Display for Untrusted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = Self::MOST;
        for c in self.0.chars() {
            let escaped = escape(c);
            match left.checked_sub(escaped.as_ref().map_or(1, ExactSizeIterator::len)) {
                Some(rest) => left = rest,
                None => return f.write_char('…'),
            }
            match escaped {
                Some(escaped) => escaped.fmt(f)?,
                None => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// The escape of a character that cannot be shown as it is. Quotes can.
fn escape(c: char) -> Option<std::char::EscapeDebug> {
    if matches!(c, '\'' | '"') {
        return None;
    }
    let escaped = c.escape_debug();
    (escaped.len() > 1).then_some(escaped)
}

/// The characters that are kept of a long sentence's beginning.
const HEAD: usize = 200;
/// The characters that are kept of its end: the part of an error that says what would be right.
const TAIL: usize = 800;

/// A sentence that may quote untrusted text, as errors of parsers do. A long one is cut in the middle,
/// and control characters are escaped.
pub(crate) fn sentence(text: String) -> String {
    if text.len() <= HEAD + TAIL && !text.contains(char::is_control) {
        return text;
    }
    let cut = |text: &str, part: &mut String| {
        for c in text.chars() {
            if c.is_control() {
                part.extend(c.escape_debug());
            } else {
                part.push(c);
            }
        }
    };
    let mut short = String::new();
    let head = text.char_indices().nth(HEAD).map_or(text.len(), |(at, _)| at);
    let tail = text.char_indices().nth_back(TAIL - 1).map_or(0, |(at, _)| at);
    if head < tail {
        cut(&text[..head], &mut short);
        short.push('…');
        cut(&text[tail..], &mut short);
    } else {
        cut(&text, &mut short);
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Untrusted(text).to_string()
    }

    #[test]
    fn what_can_be_read_is_shown_as_it_is() {
        for text in ["", "message", "it's \"so\"", "日本 é", "https://a.example:8080"] {
            assert_eq!(shown(text), text);
        }
    }

    #[test]
    fn no_line_no_colour_and_no_direction_gets_into_a_log() {
        assert_eq!(shown("a\nb\x1b[31m\\\u{202e}\0"), r"a\nb\u{1b}[31m\\\u{202e}\0");
    }

    #[test]
    fn a_long_text_is_cut_escapes_included() {
        assert_eq!(shown(&"é".repeat(100)), "é".repeat(100));
        assert_eq!(shown(&"é".repeat(101)), format!("{}…", "é".repeat(100)));
        assert!(shown(&"\u{1}".repeat(1000)).chars().count() <= Untrusted::MOST + 1);
    }

    #[test]
    fn a_long_sentence_keeps_its_beginning_and_its_end() {
        let long = format!("unknown variant `{}`, expected `a` or `b`", "x".repeat(900_000));
        let short = sentence(long);
        assert!(short.starts_with("unknown variant `xxx"), "{short}");
        assert!(short.ends_with("xxx`, expected `a` or `b`"), "{short}");
        assert!(short.chars().count() == HEAD + 1 + TAIL, "{short}");
        assert_eq!(sentence("as it is".into()), "as it is");
        assert_eq!(sentence("two\nlines".into()), "two\\nlines");
        assert_eq!(sentence("é".repeat(900)), "é".repeat(900));
    }
}
