//! What is wrong with a value, each with the path of its field.

use std::fmt::Display;

use serde_json::Value;

use crate::error::Issue;

/// The issues found so far, each with the path of its field.
#[derive(Debug, Default)]
pub struct Issues {
    found: Vec<Issue>,
}

impl Issues {
    /// Adds one for the value that is being checked.
    pub fn add(&mut self, message: impl Into<String>) {
        self.found.push(Issue::new("", message));
    }

    /// Checks a part of the value; what it finds gets `name` before its path.
    pub fn field(&mut self, name: impl Display, check: impl FnOnce(&mut Self)) {
        let before = self.found.len();
        check(self);
        if self.found.len() > before {
            self.name(before, &name);
        }
    }

    #[cold]
    fn name(&mut self, from: usize, name: &dyn Display) {
        for issue in &mut self.found[from..] {
            issue.path = join(&name.to_string(), &issue.path);
        }
    }

    /// Checks an element of the value; what it finds gets `[index]` before its path.
    pub fn element(&mut self, index: usize, check: impl FnOnce(&mut Self)) {
        self.field(format_args!("[{index}]"), check);
    }

    /// Gives what `check` finds the names that travel: `names` has those that do not follow from
    /// the fields' names in Rust.
    #[doc(hidden)]
    pub fn renamed(&mut self, names: &[(&str, &str)], check: impl FnOnce(&mut Self)) {
        let before = self.found.len();
        check(self);
        for issue in &mut self.found[before..] {
            let end = issue.path.match_indices(['.', '[']).map(|(at, _)| at).find(|at| *at > 0);
            let (first, rest) = issue.path.split_at(end.unwrap_or(issue.path.len()));
            if let Some((_, wire)) = names.iter().find(|(rust, _)| *rust == first) {
                issue.path = join(wire, rest.strip_prefix('.').unwrap_or(rest));
            }
        }
    }

    /// What was found, in the order in which it was.
    pub fn as_slice(&self) -> &[Issue] {
        &self.found
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub(crate) fn into_vec(self) -> Vec<Issue> {
        self.found
    }

    /// Runs the rules of a type that derives `garde::Validate`.
    #[doc(hidden)]
    pub fn garde<T: garde::Validate<Context = ()> + ?Sized>(&mut self, value: &T) {
        if let Err(report) = value.validate() {
            self.report(&report);
        }
    }

    #[cold]
    pub(crate) fn report(&mut self, report: &garde::Report) {
        let found = report.iter();
        self.found
            .extend(found.map(|(path, error)| Issue::new(path.to_string(), error.to_string())));
    }
}

/// `a` and `b` as one path: `author.name`, `tags[2]`, `[0].name`.
fn join(a: &str, b: &str) -> String {
    match (a, b) {
        ("", path) | (path, "") => path.to_owned(),
        _ if b.starts_with('[') => format!("{a}{b}"),
        _ => format!("{a}.{b}"),
    }
}

/// What serde says of a decoded value, as an issue that names the field even where serde names
/// its parent.
pub(crate) fn issue_at(path: &str, message: &str) -> Issue {
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    match missing {
        Some(field) => Issue::new(join(path, field), "is missing"),
        None => Issue::new(path, message),
    }
}

/// Gives the paths the names that travel: rules know the Rust field (`room_id`), clients the
/// one they sent (`roomId`).
pub(super) fn as_sent(mut issues: Vec<Issue>, sent: &Value) -> Vec<Issue> {
    for issue in &mut issues {
        let mut at = Some(sent);
        let mut path = String::with_capacity(issue.path.len());
        for part in issue.path.split_inclusive(['.', '[', ']']) {
            let (name, end) = match part.char_indices().next_back() {
                Some((i, end @ ('.' | '[' | ']'))) => (&part[..i], Some(end)),
                _ => (part, None),
            };
            let here = match at {
                Some(Value::Object(fields)) => fields.get_key_value(name).or_else(|| {
                    fields.iter().find(|(key, _)| !name.is_empty() && same_words(key, name))
                }),
                _ => None,
            };
            at = match (here, at) {
                (Some((_, value)), _) => Some(value),
                (None, at) if name.is_empty() => at,
                (None, Some(Value::Array(items))) => {
                    name.parse::<usize>().ok().and_then(|i| items.get(i))
                }
                _ => None,
            };
            path.push_str(here.map_or(name, |(key, _)| key));
            path.extend(end);
        }
        issue.path = path;
    }
    issues
}

/// Whether two names differ in case and separators only.
fn same_words(a: &str, b: &str) -> bool {
    let plain = |s: &str| {
        s.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>()
    };
    plain(a) == plain(b)
}
