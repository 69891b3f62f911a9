//! One setting as it is logged at start.

use std::borrow::Cow;

/// The source of a value that was not set.
pub(crate) const DEFAULT: &str = "default";
/// The source of a value that code set.
pub(crate) const CODE: &str = "code";
pub(super) use crate::limits::DEFAULT_NAME;

/// A setting: its variable, its value without secrets, and its source.
pub(crate) struct Setting {
    pub(super) name: Cow<'static, str>,
    pub(super) value: String,
    pub(super) source: &'static str,
}

impl Setting {
    pub(crate) fn new(
        name: impl Into<Cow<'static, str>>,
        value: impl Into<String>,
        source: &'static str,
    ) -> Self {
        Self { name: name.into(), value: value.into(), source }
    }
}
