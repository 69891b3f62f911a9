//! JSON texts: quotes around them, and escapes inside.

/// One in each byte of a word.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The highest bit of each byte.
const HIGHS: u64 = ONES << 7;
/// Bytes that need no escape.
const SPACES: u64 = ONES * b' ' as u64;

/// Appends `text` in quotes, escaped as `serde_json` does.
#[inline]
pub(super) fn write_quoted(text: &str, out: &mut Vec<u8>) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    write_escaped(text, out);
    out.push(b'"');
}

/// Appends `text` without quotes.
#[inline]
pub(super) fn write_escaped(text: &str, out: &mut Vec<u8>) {
    if is_plain(text.as_bytes()) {
        out.extend_from_slice(text.as_bytes());
    } else {
        write_with_escapes(text.as_bytes(), out);
    }
}

/// Whether no byte needs an escape. Nearly all texts are so, and eight bytes are looked at together;
/// those that are looked at twice are plain twice.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    if let Some(last) = bytes.last_chunk::<8>() {
        let (words, _) = bytes.as_chunks::<8>();
        let marks = |word: &[u8; 8]| marks(u64::from_le_bytes(*word));
        return words.iter().map(marks).fold(marks(last), |all, more| all | more) & HIGHS == 0;
    }
    let word = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last))
        }
        _ => bytes.iter().fold(SPACES, |word, byte| word << 8 | u64::from(*byte)),
    };
    marks(word) & HIGHS == 0
}

/// Sets the highest bit of at least one byte if one of the eight is a control character, a quote or a
/// backslash, and of none if none is. The other bits mean nothing.
#[inline]
const fn marks(word: u64) -> u64 {
    // A byte below 0x20 borrows into its highest bit; so does a byte that is zero after the XOR with
    // what it is compared with. A borrow passes on to the next byte only from a byte that is marked.
    let control = word.wrapping_sub(SPACES);
    let quote = (word ^ (ONES * b'"' as u64)).wrapping_sub(ONES);
    let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
    // Bytes from 0x80 have the bit themselves and need no escape.
    (control | quote | backslash) & !word
}

/// How many bytes come before the first that needs an escape, or ends the text.
#[inline]
pub(super) fn plain_prefix(bytes: &[u8]) -> usize {
    // Names of fields, and many values, end within a word.
    match bytes.first_chunk() {
        Some(first) => match first_mark(*first) {
            8 => plain_prefix_of_long(bytes),
            found => found,
        },
        None => plain_prefix_bytewise(bytes),
    }
}

fn plain_prefix_of_long(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks();
    for (at, word) in words.iter().enumerate() {
        let found = first_mark(*word);
        if found < 8 {
            return at * 8 + found;
        }
    }
    words.len() * 8 + plain_prefix_bytewise(rest)
}

fn plain_prefix_bytewise(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| needs_escape(*byte)).unwrap_or(bytes.len())
}

/// The place of the first byte that needs an escape; 8 if none does.
#[inline]
fn first_mark(word: [u8; 8]) -> usize {
    // The lowest mark is exact: only marked bytes borrow.
    (marks(u64::from_le_bytes(word)) & HIGHS).trailing_zeros() as usize / 8
}

#[inline]
const fn needs_escape(byte: u8) -> bool {
    matches!(byte, ..0x20 | b'"' | b'\\')
}

#[cold]
fn write_with_escapes(bytes: &[u8], out: &mut Vec<u8>) {
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| needs_escape(*byte)) {
        out.extend_from_slice(&rest[..at]);
        write_escape(rest[at], out);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
}

fn write_escape(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        0x08 => b'b',
        0x09 => b't',
        0x0A => b'n',
        0x0C => b'f',
        0x0D => b'r',
        _ => {
            let [high, low] = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
            out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_found_at_each_place_and_no_other_is() {
        for length in [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31] {
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    for filler in [b'x', 0x7F, 0x80, 0xFF, b' ', b'#', b']'] {
                        let mut bytes = vec![filler; length];
                        bytes[at] = byte;
                        assert_eq!(is_plain(&bytes), !needs_escape(byte), "{bytes:?}");
                        let found = if needs_escape(byte) { at } else { length };
                        assert_eq!(plain_prefix(&bytes), found, "{bytes:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn each_character_is_written_as_serde_json_writes_it() {
        for character in (0..0x300).filter_map(char::from_u32).chain(['\u{2028}', '🎉']) {
            for text in [character.to_string(), format!("before {character} and behind it")] {
                let mut out = Vec::new();
                write_quoted(&text, &mut out);
                assert_eq!(out, serde_json::to_vec(&text).unwrap());
            }
        }
    }
}
