//! Cheap sufficient checks that let most values skip `garde`.
//!
//! Most texts are as long as they may be by their bytes alone, and a number is one comparison. What
//! is not certain here is not refused: `garde` decides it, and says why.

use std::borrow::Cow;
use std::ops::RangeBounds;
use std::rc::Rc;
use std::sync::Arc;

/// A value before its rules run. It is named by expansions only.
#[doc(hidden)]
#[derive(Debug)]
pub struct Fast<'a, T: ?Sized>(pub &'a T);

/// Of types that nothing is known of, nothing is certain.
#[doc(hidden)]
pub trait Unsure {
    /// Whether `length(chars, …)` is certainly kept.
    fn has_chars(&self, _: impl RangeBounds<usize>) -> bool {
        false
    }

    /// Whether `range(…)` is certainly kept.
    fn is_within(&self, _: impl RangeBounds<i128>) -> bool {
        false
    }
}

impl<T: ?Sized> Unsure for &Fast<'_, T> {}

impl<T: Text + ?Sized> Fast<'_, T> {
    /// Whether `length(chars, …)` is certainly kept: a character has one to four bytes.
    #[inline]
    pub fn has_chars(&self, chars: impl RangeBounds<usize>) -> bool {
        let fits = |bytes: usize| chars.contains(&bytes) && chars.contains(&bytes.div_ceil(4));
        self.0.bytes().is_none_or(fits)
    }
}

impl<T: Integer> Fast<'_, T> {
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
        fn a_text_that_fits_at_sight_fits_by_garde(
            text in "[aé日😀]{0,12}",
            min in 0..14_usize,
            max in 0..40_usize,
        ) {
            let owned = Some(text.clone());
            for certain in [
                Fast(&text).has_chars(min..=max),
                Fast(&owned).has_chars(min..=max),
                Fast(&Cow::from(&text)).has_chars(min..=max),
            ] {
                prop_assert!(!certain || length::chars::apply(&text, (min, max)).is_ok());
            }
        }

        #[test]
        fn a_text_of_ascii_between_its_bounds_fits_at_sight(
            text in "[ -~]{1,40}",
            more in 0..9_usize,
        ) {
            prop_assert!(Fast(&text).has_chars(1..=text.len() + more));
        }

        #[test]
        fn a_number_fits_at_sight_where_it_fits_by_garde(n: i8, min: i8, max: i8) {
            let certain = Fast(&n).is_within(i128::from(min)..=i128::from(max));
            prop_assert_eq!(certain, range::apply(&n, (Some(min), Some(max))).is_ok());
        }
    }

    #[test]
    fn what_is_not_there_breaks_no_rule() {
        assert!(Fast(&None::<String>).has_chars(1..=2));
        assert!(length::chars::apply(&None::<String>, (1, 2)).is_ok());
        assert!(Fast(&None::<u8>).is_within(1..=2));
    }

    #[test]
    fn nothing_is_certain_of_a_type_of_the_users_own() {
        struct Own;
        assert!(!(&Fast(&Own)).has_chars(..));
        assert!(!(&Fast(&Own)).is_within(..));
        assert!(!(&Fast(&7_u8)).has_chars(..));
    }
}
