//! Whole numbers that are written with a fraction.

use std::borrow::Cow;

/// Below this an `f64` is certain to be the whole number that was written.
const CERTAIN: f64 = 9_007_199_254_740_992.0;

/// The JSON text with `5.0` and `5e0` written as `5`; `None` if there is no such number.
///
/// To JSON, and to its schemas, they are the same number, and some languages write them so. To serde a
/// number with a fraction is not an integer.
pub(super) fn whole(json: &str) -> Option<String> {
    let (mut text, mut kept, mut at) = (Cow::Borrowed(""), 0, 0);
    let bytes = json.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at = end_of_text(bytes, at),
            b'-' | b'0'..=b'9' => {
                let number =
                    |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-');
                let length = bytes[at..].iter().take_while(|byte| number(byte)).count();
                if let Some(integer) = integer(&json[at..at + length]) {
                    let text = text.to_mut();
                    text.push_str(&json[kept..at]);
                    text.push_str(&integer);
                    kept = at + length;
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    (kept > 0).then(|| text.into_owned() + &json[kept..])
}

/// The same number without a fraction, if it is whole.
fn integer(number: &str) -> Option<String> {
    if !number.contains(['.', 'e', 'E']) {
        return None;
    }
    let value: f64 = number.parse().ok()?;
    let is_whole = value.fract() == 0.0 && value.abs() < CERTAIN;
    // `-0` would be a number with a fraction to serde again.
    is_whole.then(|| if value == 0.0 { "0".to_owned() } else { format!("{value:.0}") })
}

/// The position behind the text that begins at `start`.
fn end_of_text(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_lose_their_fraction_and_nothing_else_changes() {
        for (json, expected) in [
            ("5.0", "5"),
            ("-5.000", "-5"),
            ("-0.0", "0"),
            ("1e3", "1000"),
            ("1.5E+1", "15"),
            (
                r#"{"a 1.0":[1.0,1.5,"2.0 \" 3.0"],"b":-7.0}"#,
                r#"{"a 1.0":[1,1.5,"2.0 \" 3.0"],"b":-7}"#,
            ),
        ] {
            assert_eq!(whole(json).as_deref(), Some(expected), "{json}");
        }
        for json in
            ["5", "5.5", "1e-3", "1e300", "9007199254740993.0", "\"5.0\"", "", "\"5.0", "\"\\"]
        {
            assert_eq!(whole(json), None, "{json}");
        }
    }
}
