//! What is wrong with a value, each with the path of its field.

use std::fmt::Display;

use garde::error::Kind;
use serde_json::{Map, Value};

use super::issue_path::{self, Part};
use crate::error::Issue;
use crate::platform::{HashMap, RandomState};
use crate::untrusted;

/// The checks end after so many issues.
const MOST: usize = 50;
/// The most bytes of all issues that are sent: an answer must not be longer than its request.
const LONGEST: usize = 16 * 1024;

/// The issues found so far, each with the path of its field.
///
/// It keeps the first 50. An answer that may lack some says so in its last issue.
///
/// ```
/// use jstack_runtime::Issues;
///
/// let mut issues = Issues::default();
/// issues.field("tags", |issues| issues.element(2, |issues| issues.add("is too long")));
/// assert_eq!(issues.as_slice()[0].to_string(), "tags[2]: is too long");
/// ```
#[derive(Debug, Default)]
pub struct Issues {
    found: Vec<Issue>,
    /// Some were not searched for, or not kept.
    partial: bool,
}

impl Issues {
    /// Adds an issue for the value that is being checked.
    ///
    /// ```
    /// let mut issues = jstack_runtime::Issues::default();
    /// issues.add("must not be empty");
    /// assert_eq!(issues.as_slice()[0].message, "must not be empty");
    /// ```
    pub fn add(&mut self, message: impl Into<String>) {
        if !self.note_full() {
            self.found.push(Issue::new("", untrusted::sentence(message.into())));
        }
    }

    /// Checks a field: `name` becomes the first part of the path of each issue that `check` adds.
    ///
    /// ```
    /// let mut issues = jstack_runtime::Issues::default();
    /// issues.field("author", |issues| issues.field("name", |issues| issues.add("is too long")));
    /// assert_eq!(issues.as_slice()[0].path, "author.name");
    /// ```
    pub fn field(&mut self, name: impl Display, check: impl FnOnce(&mut Self)) {
        self.inside(check, &|path| issue_path::push_step(path, &name.to_string()));
    }

    /// Checks an element of a list: `[index]` becomes the first part of the path of each issue.
    ///
    /// ```
    /// let mut issues = jstack_runtime::Issues::default();
    /// issues.element(2, |issues| issues.add("is too long"));
    /// assert_eq!(issues.as_slice()[0].path, "[2]");
    /// ```
    pub fn element(&mut self, index: usize, check: impl FnOnce(&mut Self)) {
        self.inside(check, &|path| issue_path::push_index(path, index));
    }

    /// Checks the value of a map's key, which may be any text.
    pub(super) fn key(&mut self, key: impl Display, check: impl FnOnce(&mut Self)) {
        self.inside(check, &|path| issue_path::push_key(path, &key.to_string()));
    }

    #[inline]
    fn inside(&mut self, check: impl FnOnce(&mut Self), step: &dyn Fn(&mut String)) {
        if self.note_full() {
            return;
        }
        let before = self.found.len();
        check(self);
        if self.found.len() > before {
            self.prefix(before, step);
        }
    }

    #[cold]
    fn prefix(&mut self, from: usize, step: &dyn Fn(&mut String)) {
        let mut start = String::new();
        step(&mut start);
        for issue in &mut self.found[from..] {
            let rest = std::mem::replace(&mut issue.path, start.clone());
            issue_path::push_path(&mut issue.path, &rest);
        }
    }

    /// Gives what `check` finds the names that travel: `names` has those that do not follow from
    /// the fields' names in Rust.
    #[doc(hidden)]
    pub fn renamed(&mut self, names: &[(&str, &str)], check: impl FnOnce(&mut Self)) {
        let before = self.found.len();
        check(self);
        for issue in &mut self.found[before..] {
            let Some((_, rest)) = issue_path::first(&issue.path) else { continue };
            let first = issue.path[..issue.path.len() - rest.len()].trim_end_matches('.');
            if let Some((_, wire)) = names.iter().find(|(rust, _)| *rust == first) {
                let mut path = String::new();
                issue_path::push_step(&mut path, wire);
                issue_path::push_path(&mut path, rest);
                issue.path = path;
            }
        }
    }

    /// Adds one for the field at `path`.
    #[cfg(test)]
    pub(super) fn at(&mut self, path: &str) {
        self.found.push(Issue::new(path, "is wrong"));
    }

    /// The issues, in the order in which they were added.
    ///
    /// ```
    /// let mut issues = jstack_runtime::Issues::default();
    /// issues.add("must not be empty");
    /// assert_eq!(issues.as_slice().len(), 1);
    /// ```
    pub fn as_slice(&self) -> &[Issue] {
        &self.found
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether no more issues are kept; notes that some may be missing.
    fn note_full(&mut self) -> bool {
        let full = self.found.len() >= MOST;
        self.partial |= full;
        full
    }

    /// The issues for an answer.
    pub(crate) fn into_vec(self) -> Vec<Issue> {
        let Self { mut found, mut partial } = self;
        let (mut left, mut fits) = (LONGEST, 0);
        for issue in &mut found {
            issue.path = issue_path::shortened(std::mem::take(&mut issue.path));
            left = left.saturating_sub(issue.path.len() + issue.message.len());
            if left == 0 {
                break;
            }
            fits += 1;
        }
        partial |= fits < found.len();
        found.truncate(fits);
        if partial {
            let message = format!("there may be more: only the first {fits} are listed");
            found.push(Issue::new("", message));
        }
        found
    }

    /// The same with the names that are in `sent`: rules know the Rust field (`room_id`), clients the
    /// one that they sent (`roomId`).
    pub(super) fn into_wire_paths(mut self, sent: &Value) -> Vec<Issue> {
        let mut names = Names::default();
        for issue in &mut self.found {
            issue.path = names.wire_path(&issue.path, sent);
        }
        self.into_vec()
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
        for (path, error) in report.iter() {
            if self.note_full() {
                return;
            }
            self.found.push(Issue::new(path_of(path), untrusted::sentence(error.to_string())));
        }
    }
}

/// A path of `garde` as a path of this crate. Its text does not say which dots are part of a key.
fn path_of(path: &garde::Path) -> String {
    let mut text = String::new();
    // What `garde::select!` expands to, so it is there although its documentation is hidden.
    for (kind, part) in path.__iter().rev() {
        match kind {
            Kind::None => {}
            Kind::Key => issue_path::push_key(&mut text, part),
            Kind::Index => issue_path::push_index(&mut text, part),
        }
    }
    text
}

/// What serde says of a decoded value, as an issue that names the field even where serde names
/// its parent.
pub(crate) fn issue_at(path: &str, message: String) -> Issue {
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
    let mut path = path.to_owned();
    let message = match missing {
        Some(field) => {
            issue_path::push_key(&mut path, field);
            "is missing".to_owned()
        }
        None => untrusted::sentence(readable(message)),
    };
    Issue::new(issue_path::shortened(path), message)
}

/// What a parser says, for somebody who wrote a text and not its escapes.
fn readable(message: String) -> String {
    match &*message {
        "lone leading surrogate in hex escape" | "unexpected end of hex escape" => {
            "has half of a character (a lone surrogate): was the text cut within an emoji?"
                .to_owned()
        }
        _ => message,
    }
}

/// The keys of objects by their words, of each object at most once: the work is as much as the input is
/// long, however many issues there are.
#[derive(Default)]
struct Names<'a> {
    keys: HashMap<*const Map<String, Value>, HashMap<String, &'a str>>,
}

impl<'a> Names<'a> {
    fn wire_path(&mut self, mut rest: &str, sent: &'a Value) -> String {
        let (mut path, mut at) = (String::with_capacity(rest.len()), Some(sent));
        while let Some((part, after)) = issue_path::first(rest) {
            rest = after;
            match part {
                Part::Index(index) => {
                    issue_path::push_index(&mut path, index);
                    at = at.and_then(|value| value.get(index));
                }
                Part::Key(name) => {
                    let here = match at {
                        Some(Value::Object(fields)) => self.field(fields, &name),
                        _ => None,
                    };
                    issue_path::push_key(&mut path, here.map_or(&*name, |(key, _)| key));
                    at = match (here, at) {
                        (Some((_, value)), _) => Some(value),
                        (None, Some(Value::Array(items))) => {
                            name.parse::<usize>().ok().and_then(|index| items.get(index))
                        }
                        _ => None,
                    };
                }
            }
        }
        path
    }

    /// The field called `name`, or else one whose name differs in case and separators only.
    fn field(
        &mut self,
        fields: &'a Map<String, Value>,
        name: &str,
    ) -> Option<(&'a str, &'a Value)> {
        if let Some((key, value)) = fields.get_key_value(name) {
            return Some((key, value));
        }
        let keys = self.keys.entry(std::ptr::from_ref(fields)).or_insert_with(|| {
            let mut keys = HashMap::with_capacity_and_hasher(fields.len(), RandomState::default());
            for key in fields.keys() {
                keys.entry(words(key)).or_insert(&**key);
            }
            keys
        });
        fields.get_key_value(*keys.get(&words(name))?).map(|(key, value)| (&**key, value))
    }
}

/// A name without case and separators, in which conventions differ. `same_words` of the macros must
/// agree.
fn words(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::words;

    /// The macros are tested with the same table.
    #[test]
    fn names_are_the_same_words_as_in_the_shared_table() {
        let table = include_str!("../../../tests/names.txt");
        let rows = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut count = 0;
        for row in rows {
            let Ok([rust, wire, same]) = <[&str; 3]>::try_from(row.split(' ').collect::<Vec<_>>())
            else {
                panic!("a row has three words: {row}");
            };
            assert_eq!(words(rust) == words(wire), same == "same", "{row}");
            count += 1;
        }
        assert!(count > 10, "{count} rows");
    }
}
