//! A rate limit in 16 bytes: the generic cell rate algorithm.

use std::time::{Duration, Instant};

/// Lets `rate` things a second pass, and `burst` at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    /// What one costs; zero for no limit.
    each: Duration,
    /// How far ahead of the clock the count may run.
    ahead: Duration,
}

impl Rate {
    /// 0 and `u32::MAX` a second mean no limit.
    pub(crate) fn new(rate: u32, burst: u32) -> Self {
        if rate == 0 || rate == u32::MAX {
            return Self { each: Duration::ZERO, ahead: Duration::ZERO };
        }
        let each = Duration::from_secs(1) / rate;
        Self { each, ahead: each.saturating_mul(burst.max(1)) }
    }
}

/// One count against a [`Rate`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    /// When the count will be back at zero.
    free_at: Option<Instant>,
}

impl Count {
    /// Counts one and says whether it may pass. One that may not costs nothing.
    pub(crate) fn take(&mut self, rate: Rate, now: Instant) -> bool {
        if rate.each.is_zero() {
            return true;
        }
        let start = self.free_at.map_or(now, |at| at.max(now));
        let end = start + rate.each;
        if end.saturating_duration_since(now) > rate.ahead {
            return false;
        }
        self.free_at = Some(end);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_at_once_and_then_the_rate_counts() {
        let (rate, start, mut count) = (Rate::new(10, 5), Instant::now(), Count::default());
        assert_eq!((0..9).filter(|_| count.take(rate, start)).count(), 5);
        let later = start + Duration::from_millis(250);
        assert_eq!((0..9).filter(|_| count.take(rate, later)).count(), 2);
        let much_later = start + Duration::from_secs(60);
        assert_eq!((0..9).filter(|_| count.take(rate, much_later)).count(), 5);
    }

    #[test]
    fn no_limit_lets_everything_pass() {
        for none in [0, u32::MAX] {
            let (rate, mut count) = (Rate::new(none, 1), Count::default());
            assert!((0..10_000).all(|_| count.take(rate, Instant::now())));
        }
    }
}
