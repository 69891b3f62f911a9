//! Text that arrives in pieces: what is not UTF-8 fails at the first byte that proves it.

use super::FrameError;

pub(super) const NOT_UTF8: FrameError = FrameError::data("text message is not valid UTF-8");

/// The text received so far, and the beginning of a character that the last piece cut off.
#[derive(Debug, Default)]
pub(super) struct Utf8Buffer {
    text: String,
    /// One to three bytes that may still become a character; the rest is zero.
    cut: [u8; 4],
    cut_len: usize,
}

impl Utf8Buffer {
    /// Appends the next piece of the message.
    pub(super) fn push(&mut self, mut bytes: &[u8]) -> Result<(), FrameError> {
        while self.cut_len > 0 {
            let Some((&next, rest)) = bytes.split_first() else { return Ok(()) };
            bytes = rest;
            self.complete(next)?;
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text.push_str(text),
            Err(error) if error.error_len().is_some() => return Err(NOT_UTF8),
            Err(error) => {
                let (valid, cut) = bytes.split_at(error.valid_up_to());
                // Proven valid by the error itself; the second look is the price of no `unsafe`.
                self.text.push_str(std::str::from_utf8(valid).map_err(|_| NOT_UTF8)?);
                self.cut[..cut.len()].copy_from_slice(cut);
                self.cut_len = cut.len();
            }
        }
        Ok(())
    }

    /// Adds one byte to the character that was cut off.
    fn complete(&mut self, next: u8) -> Result<(), FrameError> {
        // At most three bytes wait, so the fourth has room: a character has no fifth.
        self.cut[self.cut_len] = next;
        self.cut_len += 1;
        match std::str::from_utf8(&self.cut[..self.cut_len]) {
            Ok(character) => {
                self.text.push_str(character);
                self.cut_len = 0;
                Ok(())
            }
            Err(error) if error.error_len().is_some() => Err(NOT_UTF8),
            Err(_) => Ok(()),
        }
    }

    /// The message is over: nothing may be left of a character.
    pub(super) fn finish(&self) -> Result<(), FrameError> {
        if self.cut_len == 0 {
            Ok(())
        } else {
            Err(FrameError::data("text message ends inside a character"))
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.text.capacity()
    }
}

#[cfg(feature = "deflate")]
impl From<String> for Utf8Buffer {
    fn from(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}
