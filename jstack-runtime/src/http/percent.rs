//! Percent-encoding, as in queries and in the fragments of URLs.

/// The bytes of `text`, with its escapes decoded. With `plus_is_space`, as in queries, a `+` is a
/// space. An invalid escape stays as it is.
pub(crate) fn decoded(text: &str, plus_is_space: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        bytes.push(match (first, after) {
            (b'+', _) if plus_is_space => b' ',
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    rest = after;
                    high << 4 | low
                }
                _ => b'%',
            },
            (byte, _) => *byte,
        });
    }
    bytes
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn escapes_are_decoded_and_invalid_ones_stay() {
        assert_eq!(decoded("a%20b+c%2B", true), b"a b c+");
        assert_eq!(decoded("a+b%7e1", false), b"a+b~1");
        assert_eq!(decoded("100%, %4 %zz %+1 %", false), b"100%, %4 %zz %+1 %");
        assert_eq!(decoded("%C3%A9", false), "é".as_bytes());
    }
}
