//! The rules of a value whose type the macro does not know.
//!
//! An expansion calls `check` on [`Rules`], and method resolution takes the first that fits: a payload
//! ([`Checked`]), a type with rules of `garde` alone ([`GardeRules`]), anything else ([`NoRules`]). So
//! that nothing is skipped in the last case, the type must not contain rules, which is known in two ways:
//!
//! - `#[derive(Payload)]` on a type with rules takes [`UnwindSafe`] from it ([`Ruled`]). That is an
//!   auto trait, so whatever contains such a type lacks it as well, and [`RuleFree`] asks for it.
//! - The type arguments of what is written, as in `Vec<T>`, are looked at one by one ([`Declared`]).
#![allow(clippy::inline_always, reason = "as in `macros`: compiled with the expansion")]

use std::marker::PhantomData;
use std::panic::UnwindSafe;

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

/// The second choice: rules of `garde` on a type that is not a payload.
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
pub trait NoRules<T: ?Sized> {
    /// Finds nothing.
    fn check(&self, issues: &mut Issues)
    where
        T: RuleFree;
}

impl<T: ?Sized> NoRules<T> for &Rules<'_, T> {
    #[inline(always)]
    fn check(&self, _: &mut Issues)
    where
        T: RuleFree,
    {
    }
}

/// The last choice for a type like `Vec<T>`, of which each part is looked at by itself.
#[doc(hidden)]
pub trait RulesOfParts {
    /// Finds nothing.
    fn check(&self, issues: &mut Issues);
}

impl<T: ?Sized> RulesOfParts for &Rules<'_, T> {
    #[inline(always)]
    fn check(&self, _: &mut Issues) {}
}

/// What `#[derive(Payload)]` makes a type with rules as little [`UnwindSafe`] as.
///
/// The lifetime keeps rustc from deciding the bound before there is a type.
#[doc(hidden)]
#[derive(Debug)]
pub struct Ruled<'a>(PhantomData<(&'a mut (), std::cell::UnsafeCell<()>)>);

/// A type that contains no rules, as far as [`Ruled`] marks them.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` contains `#[garde(…)]` rules that nothing would check",
    label = "add `Payload` to its derives",
    note = "a type that derives `Payload` checks the rules of all that it contains"
)]
pub trait RuleFree {}

#[diagnostic::do_not_recommend]
impl<T: UnwindSafe + ?Sized> RuleFree for T {}

/// A type inside another one, as it is written.
#[doc(hidden)]
#[derive(Debug)]
pub struct Declared<T: ?Sized>(PhantomData<fn() -> Box<T>>);

impl<T: ?Sized> Declared<T> {
    /// Represents the type.
    pub const NEW: Self = Self(PhantomData);
}

impl<T: Payload + ?Sized> Declared<T> {
    /// A payload: what contains it can check it.
    #[inline(always)]
    pub fn is_enforced(&self) {}
}

/// A type whose rules are checked where it is inside another one.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` has `#[garde(…)]` rules that nothing would check here",
    label = "add `Payload` to its derives",
    note = "inside another type, rules are those of types that derive `Payload`"
)]
pub trait Enforced {}

#[diagnostic::do_not_recommend]
impl<T: Payload + ?Sized> Enforced for T {}

/// The second choice: rules of `garde` on a type that is not a payload.
#[doc(hidden)]
pub trait NotEnforced<T: ?Sized> {
    /// Does not compile.
    fn is_enforced(&self)
    where
        T: Enforced,
    {
    }
}

impl<T: garde::Validate<Context = ()> + ?Sized> NotEnforced<T> for Declared<T> {}

/// The last choice: a type without rules.
#[doc(hidden)]
pub trait NothingToEnforce<T: ?Sized> {
    /// Compiles if the type contains no rules.
    fn is_enforced(&self)
    where
        T: RuleFree,
    {
    }
}

impl<T: ?Sized> NothingToEnforce<T> for &Declared<T> {}

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
