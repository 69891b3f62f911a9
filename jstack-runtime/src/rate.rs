//! A rate limit in 8 bytes: the generic cell rate algorithm.

use crate::limits::Limits;

/// A rate limit: so many a second, and a burst at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// What one costs, in nanoseconds; zero for no limit.
    each: u64,
    /// How far tolerance of the clock the count may run.
    tolerance: u64,
}

impl Rate {
    /// Allows `rate` a second, and `burst` at once; a rate of [`Limits::NONE`] means no limit.
    pub(crate) fn new(rate: u32, burst: u32) -> Self {
        if rate == Limits::NONE {
            return Self { each: 0, tolerance: 0 };
        }
        // Settings refuse a rate of zero, which would let nothing through.
        let Some(each) = 1_000_000_000_u64.checked_div(u64::from(rate)) else {
            return Self { each: u64::MAX, tolerance: 0 };
        };
        // At least one: zero would mean no limit.
        let each = each.max(1);
        Self { each, tolerance: each * u64::from(burst.max(1)) }
    }
}

/// One count against a [`Rate`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    /// The theoretical arrival time: when the count is back at zero.
    tat: u64,
}

impl Count {
    /// Counts one and returns whether it may pass. A refused one is not counted. `now` is in
    /// nanoseconds since any fixed moment.
    #[inline]
    pub(crate) fn try_acquire(&mut self, rate: Rate, now: u64) -> bool {
        let end = self.tat.max(now).saturating_add(rate.each);
        if end - now > rate.tolerance {
            return rate.each == 0;
        }
        self.tat = end;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_burst_passes_at_once_and_then_the_rate_counts() {
        let (rate, start, mut count) = (Rate::new(10, 5), 7 * SECOND, Count::default());
        assert_eq!((0..9).filter(|_| count.try_acquire(rate, start)).count(), 5);
        let later = start + SECOND / 4;
        assert_eq!((0..9).filter(|_| count.try_acquire(rate, later)).count(), 2);
        let much_later = start + 60 * SECOND;
        assert_eq!((0..9).filter(|_| count.try_acquire(rate, much_later)).count(), 5);
    }

    #[test]
    fn no_limit_lets_everything_pass() {
        let (rate, mut count) = (Rate::new(Limits::NONE, 1), Count::default());
        assert!((0..10_000).all(|now| count.try_acquire(rate, now / 100)));
    }

    #[test]
    fn a_rate_of_zero_is_not_taken_for_none() {
        let (rate, mut count) = (Rate::new(0, 5), Count::default());
        assert!((0..1000).all(|now| !count.try_acquire(rate, now * SECOND)));
    }
}
