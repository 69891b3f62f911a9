//! `Issue`: what is wrong with one field of an input.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing that is wrong with an input: the field, and what would be right.
///
/// ```
/// use jstack_runtime::Issue;
///
/// assert_eq!(Issue::new("author.name", "is too long").to_string(), "author.name: is too long");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Issue {
    /// The field, as `author.name` or `tags[2]`; empty for the value as a whole.
    pub path: String,
    /// The problem, or what the field must be.
    pub message: String,
}

impl Issue {
    /// An issue with the field at `path`, as `author.name` or `tags[2]`; with an empty path, with the value as
    /// a whole.
    ///
    /// ```
    /// use jstack_runtime::{Error, Issue};
    ///
    /// let error = Error::invalid(vec![Issue::new("name", "is taken")]);
    /// assert_eq!(error.message(), "name: is taken");
    /// ```
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}
