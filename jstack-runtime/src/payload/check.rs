//! How an expansion runs the rules of a value, and those of a type that has some.
#![allow(clippy::inline_always, reason = "what is inlined is compiled where it is called")]

use super::Issues;

/// Checks a value by the rules of its type: those of a payload, those of `garde`, or none. The type's
/// arguments must not have rules that this would miss.
#[doc(hidden)]
#[macro_export]
macro_rules! __check {
    ($value:expr, $issues:expr) => {{
        #[allow(unused_imports)]
        use $crate::__private::{GardeRules as _, NoRules as _};
        (&$crate::__private::Rules($value)).check($issues);
    }};
    ($value:expr, $issues:expr, $($part:ty),+) => {{
        #[allow(unused_imports)]
        use $crate::__private::{
            GardeRules as _, NotEnforced as _, NothingToEnforce as _, RulesOfParts as _,
        };
        $( (&$crate::__private::Declared::<$part>::NEW).is_enforced(); )+
        (&$crate::__private::Rules($value)).check($issues);
    }};
}

/// A type whose `#[garde(…)]` rules run.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has `#[garde(…)]` rules that nothing runs",
    label = "derive `Validate` for it",
    note = "rules are checked by garde: add `Validate` beside `Payload`, with the context `()`"
)]
#[doc(hidden)]
pub trait HasRules {
    /// Runs them.
    fn run(&self, issues: &mut Issues);
}

#[diagnostic::do_not_recommend]
impl<T: garde::Validate<Context = ()>> HasRules for T {
    fn run(&self, issues: &mut Issues) {
        if let Err(report) = self.validate() {
            issues.report(&report);
        }
    }
}

/// Runs the rules of a type that has some.
#[doc(hidden)]
#[inline(always)]
pub fn rules<T: HasRules>(value: &T, issues: &mut Issues) {
    value.run(issues);
}
