//! The rules of a value whose type the macro does not know: the most that can be found.
#![allow(clippy::inline_always, reason = "as in `macros`: compiled with the expansion")]

use super::{Issues, Payload};

/// Checks a value whose own way of declaring rules is not known to the macro: a payload by
/// [`Payload::check`], a `garde` type by its rules, anything else not at all.
///
/// It is named by expansions only.
#[doc(hidden)]
#[derive(Debug)]
pub struct Rules<'a, T: ?Sized>(pub &'a T);

impl<T: Checked + ?Sized> Rules<'_, T> {
    /// A payload, by its own rules.
    #[inline(always)]
    pub fn check(&self, issues: &mut Issues) {
        self.0.checked(issues);
    }
}

/// The second choice: rules of `garde` on a type that is no payload.
#[doc(hidden)]
pub trait GardeRules {
    /// Runs them.
    fn check(&self, issues: &mut Issues);
}

impl<T: garde::Validate<Context = ()> + ?Sized> GardeRules for Rules<'_, T> {
    fn check(&self, issues: &mut Issues) {
        issues.garde(self.0);
    }
}

/// The last choice: a type without rules.
#[doc(hidden)]
pub trait NoRules {
    /// Finds nothing.
    fn check(&self, issues: &mut Issues);
}

impl<T: ?Sized> NoRules for &Rules<'_, T> {
    fn check(&self, _: &mut Issues) {}
}

/// A payload, or what wraps one as a handler's answer.
#[doc(hidden)]
pub trait Checked {
    /// Adds an issue for each rule that is broken.
    fn checked(&self, issues: &mut Issues);
}

impl<T: Payload> Checked for T {
    fn checked(&self, issues: &mut Issues) {
        self.check(issues);
    }
}

impl<T: Payload, E> Checked for Result<T, E> {
    #[inline(always)]
    fn checked(&self, issues: &mut Issues) {
        if let Ok(value) = self {
            value.check(issues);
        }
    }
}
