//! Waits between attempts to connect.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// Waits double from the first to the second.
const WAITS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// Waits that grow with each failure and differ from process to process.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Counts a failure and returns the wait before the next attempt.
    pub(crate) fn next(&mut self) -> Duration {
        let (first, longest) = WAITS;
        let whole = first.saturating_mul(1 << self.failures.min(10)).min(longest);
        self.failures = self.failures.saturating_add(1);
        let random = RandomState::new().hash_one(self.failures) % 512;
        // Between half of it and all of it.
        whole * u32::try_from(512 + random).unwrap_or(512) / 1024
    }

    /// An attempt succeeded: the next failure counts as the first.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}
