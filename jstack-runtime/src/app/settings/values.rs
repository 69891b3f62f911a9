//! Reading numbers, sizes and durations as people write them.

use std::time::Duration;

use crate::limits::Limits;

/// A count: a number, or `none` for no limit.
pub(super) fn count(text: &str) -> Result<u32, &'static str> {
    const RIGHT: &str = "a whole number up to 4294967295, or `none` for no limit";
    match text.trim() {
        "none" => Ok(Limits::NONE),
        text => text.parse().map_err(|_| RIGHT),
    }
}

/// Bytes: a number, optionally followed by `KiB` or `MiB`.
pub(super) fn bytes(text: &str) -> Result<u32, &'static str> {
    const RIGHT: &str =
        "a number of bytes up to 4294967295, as `65536`, `64KiB` or `1MiB`, or `none`";
    let text = text.trim();
    if text == "none" {
        return Ok(Limits::NONE);
    }
    let (number, unit) = split(text);
    let unit = match &*unit.to_ascii_lowercase() {
        "" | "b" => 1,
        "kib" | "k" => 1 << 10,
        "mib" | "m" => 1 << 20,
        _ => return Err(RIGHT),
    };
    number.parse::<u32>().ok().and_then(|n| n.checked_mul(unit)).ok_or(RIGHT)
}

/// A duration: `10s`, `250ms`, `2m`, or seconds as `1.5`.
pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    const RIGHT: &str = "a duration, as `10s`, `250ms`, `2m`, or a number of seconds as `1.5`";
    let (number, unit) = split(text.trim());
    let unit = match unit {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return Err(RIGHT),
    };
    if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err(RIGHT);
    }
    let seconds = number.parse::<f64>().map_err(|_| RIGHT)? * unit;
    if seconds > 366.0 * 86_400.0 {
        return Err("a duration of at most a year");
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| RIGHT)
}

/// The help for a value that must not be zero.
pub(super) const LONGER: &str = "a duration longer than zero, as `10s`";

/// A duration that is not zero.
#[cfg(any(feature = "redis", all(feature = "upstash", target_family = "wasm")))]
pub(super) fn positive_duration(text: &str) -> Result<Duration, &'static str> {
    duration(text).and_then(|time| if time.is_zero() { Err(LONGER) } else { Ok(time) })
}

/// Splits a number from the unit after it.
fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    (text[..end].trim_end(), &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, millis) in [
            ("10s", 10_000),
            ("250ms", 250),
            ("1.5", 1500),
            ("2m", 120_000),
            (" 3 s ", 3000),
            ("0", 0),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "-1s", "1e9", "10 parsecs", "NaN", "inf", "1..2", "9999999h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_and_counts_have_a_word_for_no_limit() {
        for (text, size) in
            [("65536", 65536), ("64KiB", 65536), ("1 MiB", 1 << 20), ("none", u32::MAX)]
        {
            assert_eq!(bytes(text), Ok(size), "{text}");
        }
        for text in ["", "KiB", "-1", "5GiB", "4096MiB", "1.5MiB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
        assert_eq!((count("100"), count("none")), (Ok(100), Ok(u32::MAX)));
        assert!(count("many").is_err());
    }
}
