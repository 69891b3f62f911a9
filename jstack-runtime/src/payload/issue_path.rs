//! The path of a field: `author.name`, `tags[2]`, `prices["eu.west"].amount`.
//!
//! A key that a path could not show without doubt is written as JSON in brackets, as in JavaScript: one
//! with a dot, a bracket, a quote or a control character in it, and the empty one.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::untrusted::Untrusted;

/// A step of a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// A field of an object.
    Key(Cow<'a, str>),
    /// An element of an array.
    Index(usize),
}

/// Adds a key to `path`. A long one is cut.
pub(super) fn push_key(path: &mut String, key: &str) {
    let is_plain = |c: char| !matches!(c, '.' | '[' | ']' | '"') && !c.is_control();
    if !key.is_empty() && key.len() <= Untrusted::MOST && key.chars().all(is_plain) {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(key);
        return;
    }
    // Cut as a text, not as JSON, so that what is left is a JSON text still.
    let cut = key.char_indices().nth(Untrusted::MOST).map(|(at, _)| format!("{}…", &key[..at]));
    let key = serde_json::Value::from(cut.as_deref().unwrap_or(key));
    // Writing to a string cannot fail.
    let _ = write!(path, "[{key}]");
}

/// Adds an index to `path`.
pub(super) fn push_index(path: &mut String, index: impl std::fmt::Display) {
    let _ = write!(path, "[{index}]");
}

/// Adds a step as expansions name it: a field, `[0]`, or nothing for a part that travels in the place of
/// what it is in.
pub(super) fn push_step(path: &mut String, step: &str) {
    match first(step) {
        None => {}
        Some((Part::Index(index), "")) => push_index(path, index),
        Some(_) => push_key(path, step),
    }
}

/// Adds `rest`, which is a path itself, to `path`.
pub(super) fn push_path(path: &mut String, rest: &str) {
    if !path.is_empty() && !rest.is_empty() && !rest.starts_with('[') {
        path.push('.');
    }
    path.push_str(rest);
}

/// The first step of `path` and the rest; `None` at its end. What nobody here wrote is a key.
pub(super) fn first(path: &str) -> Option<(Part<'_>, &str)> {
    if path.is_empty() {
        return None;
    }
    if let Some(inside) = path.strip_prefix('[') {
        if let Some((index, rest)) = inside.split_once(']')
            && let Ok(index) = index.parse()
        {
            return Some((Part::Index(index), without_dot(rest)));
        }
        let mut keys = serde_json::Deserializer::from_str(inside).into_iter::<String>();
        if let Some(Ok(key)) = keys.next()
            && let Some(rest) = inside[keys.byte_offset()..].strip_prefix(']')
        {
            return Some((Part::Key(key.into()), without_dot(rest)));
        }
    }
    let end = path.char_indices().skip(1).find(|(_, c)| matches!(c, '.' | '['));
    let (key, rest) = path.split_at(end.map_or(path.len(), |(at, _)| at));
    Some((Part::Key(key.into()), without_dot(rest)))
}

fn without_dot(rest: &str) -> &str {
    rest.strip_prefix('.').unwrap_or(rest)
}

/// The most characters of a path that a client reads.
const LONGEST: usize = 300;

/// A path that is not too long to be read: of a longer one, both ends.
pub(super) fn shortened(path: String) -> String {
    if path.len() <= LONGEST {
        return path;
    }
    let end = |(at, _)| at;
    let head = path.char_indices().nth(LONGEST / 2).map_or(path.len(), end);
    let tail = path.char_indices().nth_back(LONGEST / 2 - 1).map_or(0, end);
    if head < tail { format!("{}…{}", &path[..head], &path[tail..]) } else { path }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(parts: &[Part<'_>]) -> String {
        let mut path = String::new();
        for part in parts {
            match part {
                Part::Key(key) => push_key(&mut path, key),
                Part::Index(index) => push_index(&mut path, index),
            }
        }
        path
    }

    fn key(text: &str) -> Part<'_> {
        Part::Key(text.into())
    }

    #[test]
    fn a_path_is_read_as_it_was_written() {
        for (parts, expected) in [
            (vec![key("author"), key("name")], "author.name"),
            (vec![key("tags"), Part::Index(2)], "tags[2]"),
            (vec![Part::Index(0), key("n"), Part::Index(1), Part::Index(2)], "[0].n[1][2]"),
            (vec![key("a.b"), key("c")], r#"["a.b"].c"#),
            (vec![key("a"), key("b.c")], r#"a["b.c"]"#),
            (vec![key(""), key("x"), key("")], r#"[""].x[""]"#),
            (
                vec![key("[0]"), key("say \"hi\"]."), key("é\n")],
                r#"["[0]"]["say \"hi\"]."]["é\n"]"#,
            ),
            (vec![key("room-id"), key("two words")], "room-id.two words"),
        ] {
            let path = written(&parts);
            assert_eq!(path, expected);
            let mut rest = &*path;
            for part in parts {
                let (found, after) = first(rest).expect("another step");
                assert_eq!(found, part);
                rest = after;
            }
            assert_eq!(first(rest), None);
        }
    }

    #[test]
    fn what_somebody_else_wrote_is_read_without_a_panic() {
        for path in ["[", "[]", "[\"", "[\"a\"", "..", ".a", "a..b", "[x]", "é[", "]"] {
            let mut rest = path;
            let mut steps = 0;
            while let Some((_, after)) = first(rest) {
                assert!(after.len() < rest.len(), "{path}");
                rest = after;
                steps += 1;
            }
            assert!(steps > 0);
        }
    }

    #[test]
    fn a_long_key_and_a_long_path_are_cut() {
        let mut path = written(&[key(&"k".repeat(900_000)), key("a")]);
        assert_eq!(path, format!("[\"{}…\"].a", "k".repeat(100)));
        push_key(&mut path, &"é".repeat(90));
        for _ in 0..100 {
            push_key(&mut path, "again");
        }
        let short = shortened(path);
        assert_eq!(short.chars().count(), LONGEST + 1);
        assert!(short.ends_with(".again.again"), "{short}");
    }
}
