//! Times in buckets that grow with them: constant memory, a resolution of 1.6 %.

/// Buckets for each power of two, as a power of two.
const FINE: u32 = 6;

pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: vec![0; ((64 - FINE as usize) + 1) << FINE], count: 0, max: 0 }
    }
}

impl Histogram {
    pub(crate) fn record(&mut self, nanos: u64) {
        let magnitude = nanos.checked_ilog2().unwrap_or(0).saturating_sub(FINE);
        // Above the first 2^FINE values the leading one stays in, so magnitude 0 and 1 do not meet.
        let bucket = ((magnitude as usize) << FINE) + (nanos >> magnitude) as usize;
        self.buckets[bucket] += 1;
        self.count += 1;
        self.max = self.max.max(nanos);
    }

    /// The time that the share `part` of all stayed within, in microseconds; 0 for none.
    pub(crate) fn quantile(&self, part: f64) -> f64 {
        let wanted = (self.count as f64 * part).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted && *count > 0 {
                return Self::upper(bucket).min(self.max) as f64 / 1e3;
            }
        }
        0.0
    }

    pub(crate) fn max(&self) -> f64 {
        self.max as f64 / 1e3
    }

    /// The largest value that falls into the bucket.
    fn upper(bucket: usize) -> u64 {
        let magnitude = (bucket >> FINE).saturating_sub(1);
        let leading = (bucket - (magnitude << FINE)) as u64;
        ((leading + 1) << magnitude) - 1
    }
}

#[cfg(test)]
mod tests {
    use super::Histogram;

    #[test]
    fn a_quantile_is_never_below_the_value_and_at_most_two_percent_above() {
        for value in [0, 1, 63, 64, 127, 128, 129, 1000, 65_535, 1 << 20, 123_456_789] {
            let mut histogram = Histogram::default();
            histogram.record(value);
            histogram.record(u64::MAX >> 2);
            let found = histogram.quantile(0.5) * 1e3;
            assert!(found >= value as f64 - 1e-3, "{value} found as {found}");
            assert!(found <= value as f64 * 1.02 + 1e-3, "{value} found as {found}");
        }
    }

    #[test]
    fn half_of_the_values_lie_within_the_median() {
        let mut histogram = Histogram::default();
        (1..=1000).for_each(|micros| histogram.record(micros * 1000));
        assert!((500.0..510.0).contains(&histogram.quantile(0.5)));
        assert!((990.0..1000.1).contains(&histogram.quantile(0.99)));
    }
}
