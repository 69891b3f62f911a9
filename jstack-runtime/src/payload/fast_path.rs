//! Cheap sufficient checks that let most values skip `garde`.
//!
//! A text's length in bytes mostly decides the rule for its characters, and a number is one
//! comparison. A value that is undecided here is not refused: `garde` decides, and says why.

use std::borrow::Cow;
use std::ops::RangeBounds;
use std::rc::Rc;
use std::sync::Arc;

/// A value before its rules run. Only expansions name it.
#[doc(hidden)]
#[derive(Debug)]
pub struct FastCheck<'a, T: ?Sized>(pub &'a T);

/// Fallback for other types: undecided.
#[doc(hidden)]
pub trait Undecided {
    /// Whether `length(chars, …)` is certainly kept.
    fn has_chars(&self, _: impl RangeBounds<usize>) -> bool {
        false
    }

    /// Whether `range(…)` is certainly kept.
    fn is_within(&self, _: impl RangeBounds<i128>) -> bool {
        false
    }
}

impl<T: ?Sized> Undecided for &FastCheck<'_, T> {}

impl<T: Text + ?Sized> FastCheck<'_, T> {
    /// Whether `length(chars, …)` is certainly kept: a character has one to four bytes.
    #[inline]
    pub fn has_chars(&self, chars: impl RangeBounds<usize>) -> bool {
        let fits = |bytes: usize| chars.contains(&bytes) && chars.contains(&bytes.div_ceil(4));
        self.0.bytes().is_none_or(fits)
    }
}

impl<T: Integer> FastCheck<'_, T> {
    /// Whether `range(…)` is certainly kept.
    #[inline]
    pub fn is_within(&self, values: impl RangeBounds<i128>) -> bool {
        self.0.value().is_none_or(|value| values.contains(&value))
    }
}

/// What `garde` counts the characters of, where these are Unicode's.
#[doc(hidden)]
pub trait Text {
    /// Its length; `None` for an absent value, to which no rule applies.
    fn bytes(&self) -> Option<usize>;
}

macro_rules! texts {
    ($($type:ty)*) => { $(
        impl Text for $type {
            #[inline]
            fn bytes(&self) -> Option<usize> {
                Some(self.len())
            }
        }
    )* };
}

texts! { String &str &String Cow<'_, str> Box<str> Arc<str> Rc<str> }

impl<T: Text> Text for Option<T> {
    #[inline]
    fn bytes(&self) -> Option<usize> {
        self.as_ref().and_then(Text::bytes)
    }
}

/// A whole number of 64 bits or less.
#[doc(hidden)]
pub trait Integer {
    /// Its value; `None` for an absent value, to which no rule applies.
    fn value(&self) -> Option<i128>;
}

macro_rules! integers {
    ($($type:ty)*) => { $(
        impl Integer for $type {
            #[inline]
            fn value(&self) -> Option<i128> {
                Some(i128::from(*self))
            }
        }
    )* };
}

integers! { u8 u16 u32 u64 i8 i16 i32 i64 }

impl<T: Integer> Integer for Option<T> {
    #[inline]
    fn value(&self) -> Option<i128> {
        self.as_ref().and_then(Integer::value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use garde::rules::{length, range};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_text_that_passes_the_fast_check_passes_garde(
            text in "[aé日😀]{0,12}",
            min in 0..14_usize,
            max in 0..40_usize,
        ) {
            let owned = Some(text.clone());
            for certain in [
                FastCheck(&text).has_chars(min..=max),
                FastCheck(&owned).has_chars(min..=max),
                FastCheck(&Cow::from(&text)).has_chars(min..=max),
            ] {
                prop_assert!(!certain || length::chars::apply(&text, (min, max)).is_ok());
            }
        }

        #[test]
        fn a_text_of_ascii_between_its_bounds_passes_the_fast_check(
            text in "[ -~]{1,40}",
            more in 0..9_usize,
        ) {
            prop_assert!(FastCheck(&text).has_chars(1..=text.len() + more));
        }

        #[test]
        fn a_number_passes_the_fast_check_where_it_passes_garde(n: i8, min: i8, max: i8) {
            let certain = FastCheck(&n).is_within(i128::from(min)..=i128::from(max));
            prop_assert_eq!(certain, range::apply(&n, (Some(min), Some(max))).is_ok());
        }
    }

    #[test]
    fn what_is_not_there_breaks_no_rule() {
        assert!(FastCheck(&None::<String>).has_chars(1..=2));
        assert!(length::chars::apply(&None::<String>, (1, 2)).is_ok());
        assert!(FastCheck(&None::<u8>).is_within(1..=2));
    }

    #[test]
    fn a_users_own_type_is_undecided() {
        struct Own;
        assert!(!(&FastCheck(&Own)).has_chars(..));
        assert!(!(&FastCheck(&Own)).is_within(..));
        assert!(!(&FastCheck(&7_u8)).has_chars(..));
    }
}
