//! As much of Redis' protocol as publish and subscribe need.

/// A command of these words.
pub(crate) fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// What a subscribed connection hears.
#[derive(Debug, PartialEq)]
pub(crate) enum Push<'a> {
    Message {
        channel: &'a [u8],
        body: &'a [u8],
    },
    /// A subscription is confirmed.
    Other,
}

/// The push at the start of `bytes` and its length; `None` until all of it is there.
pub(crate) fn push(bytes: &[u8]) -> Option<(Push<'_>, usize)> {
    let mut cursor = Cursor { bytes, at: 0 };
    cursor.line()?;
    let (kind, channel, body) = (cursor.word()?, cursor.word()?, cursor.word()?);
    let push = if kind == b"message" { Push::Message { channel, body } } else { Push::Other };
    Some((push, cursor.at))
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn line(&mut self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        let end = memchr::memchr(b'\n', rest)?;
        self.at += end + 1;
        rest.get(..end.checked_sub(1)?)
    }

    /// A bulk string, or the digits of an integer.
    fn word(&mut self) -> Option<&'a [u8]> {
        match self.line()?.split_first()? {
            (b'$', digits) => {
                let length: usize = str::from_utf8(digits).ok()?.parse().ok()?;
                let word = self.bytes.get(self.at..self.at + length)?;
                self.at += length + 2;
                (self.at <= self.bytes.len()).then_some(word)
            }
            (_, digits) => Some(digits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Push, command, push};

    #[test]
    fn a_push_is_read_when_its_last_byte_is_there() {
        let bytes = command(&[b"message", b"room", b"the\r\nbody"]);
        for cut in 0..bytes.len() {
            assert_eq!(push(&bytes[..cut]), None, "{cut}");
        }
        let heard = Push::Message { channel: b"room", body: b"the\r\nbody" };
        assert_eq!(push(&bytes), Some((heard, bytes.len())));
    }

    #[test]
    fn a_confirmation_is_stepped_over() {
        let bytes = b"*3\r\n$9\r\nsubscribe\r\n$4\r\nroom\r\n:1\r\n";
        assert_eq!(push(bytes), Some((Push::Other, bytes.len())));
    }
}
