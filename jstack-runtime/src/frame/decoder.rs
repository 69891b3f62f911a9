//! The decoder: bytes of a stream in, whole messages out.
//!
//! A message that is whole in the input, in one frame, is unmasked there and borrowed from it,
//! without copy or allocation. Everything else is assembled in a box (`assembly.rs`), which exists
//! only while a message or control frame is partial: an idle connection keeps a few bytes.

use super::FrameError;
use super::assembly::{Assembly, OpenFrame, Partial};
use super::header::{Expect, Header, MASKED, MAX_HEADER, Opcode};
use super::mask::unmask;
use super::message::Message;

/// The first byte of a text in one frame that is not compressed.
const TEXT: u8 = 0x80 | Opcode::Text as u8;
/// The header of a client's frame of at most 125 bytes.
const SHORT_HEADER: usize = 6;

/// Limits that every connection of a procedure shares.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DecoderConfig {
    /// The longest message in bytes, as sent and as inflated; `usize::MAX` for none. A longer one
    /// ends the connection with 1009 as soon as its header says so.
    pub(crate) max_message: usize,
    /// The most frames a message may be split into, empty ones included. One more ends the
    /// connection with 1008: it is not the size that is wrong.
    pub(crate) max_fragments: u32,
}

impl Default for DecoderConfig {
    fn default() -> Self {
        Self { max_message: 64 * 1024, max_fragments: 128 }
    }
}

/// One connection's place in its stream.
///
/// After an error, or after a [`Message::Close`], it must not be fed again.
#[derive(Debug)]
pub(crate) struct Decoder {
    partial: Option<Box<Partial>>,
    /// A header of which some bytes have arrived.
    head: [u8; MAX_HEADER],
    head_len: u8,
    deflate: bool,
    /// The stream is a client's.
    masked: bool,
}

/// The result of one call of [`Decoder::decode`].
#[derive(Debug)]
pub(crate) struct Step<'a> {
    /// How many bytes were taken from the front of the input: all of them if there is no message.
    pub(crate) consumed: usize,
    pub(crate) message: Option<Message<'a>>,
}

/// Where the message is that a step found; it is borrowed last.
enum Found {
    Nothing,
    /// A whole frame in the input.
    Whole(Opcode, usize, usize),
    /// A control frame in [`Partial::control`].
    Control(Opcode),
    /// A message in [`Partial::message`].
    Assembled,
}

impl Decoder {
    /// A decoder at the start of a stream. `deflate`: permessage-deflate was negotiated.
    pub(crate) fn new(deflate: bool) -> Self {
        Self {
            partial: None,
            head: [0; MAX_HEADER],
            head_len: 0,
            deflate: deflate && cfg!(feature = "deflate"),
            masked: true,
        }
    }

    /// A decoder at the start of a server's stream, which is not masked.
    #[cfg(any(test, feature = "client"))]
    pub(crate) fn of_server() -> Self {
        Self { masked: false, ..Self::new(false) }
    }

    /// Whether there is something to free or to continue.
    #[inline]
    pub(crate) fn holds_something(&self) -> bool {
        self.partial.is_some()
    }

    /// Takes bytes from the front of `input`, unmasking them in place, up to the end of one
    /// message. Without a message the whole input was taken: nothing is ever left for the caller
    /// to keep.
    ///
    /// Call it again with the rest until there is no message. The call that finds none (even one
    /// with an empty input) also frees the buffer that the last message was borrowed from.
    #[inline]
    pub(crate) fn decode<'a>(
        &'a mut self,
        input: &'a mut [u8],
        limits: &DecoderConfig,
    ) -> Result<Step<'a>, FrameError> {
        let (consumed, found) = match self.short_text(input, limits) {
            Some(end) => (end, Found::Whole(Opcode::Text, SHORT_HEADER, end)),
            None => self.advance(input, limits)?,
        };
        let message = match (found, &self.partial) {
            (Found::Whole(opcode, start, end), _) => Some(Message::of(opcode, &input[start..end])?),
            (Found::Control(opcode), Some(partial)) => Some(Message::of(opcode, &partial.control)?),
            (Found::Assembled, Some(partial)) => partial.assembled(),
            _ => None,
        };
        Ok(Step { consumed, message })
    }

    /// Unmasks a text that is whole in the input and short, as nearly all are, and returns where it
    /// ends. Anything else is left as it is for [`advance`](Self::advance).
    #[inline]
    fn short_text(&self, input: &mut [u8], limits: &DecoderConfig) -> Option<usize> {
        const LONGEST: usize = 125;
        let [TEXT, second, a, b, c, d, rest @ ..] = input else { return None };
        // Without the mask's bit it is longer than that as well.
        let length = usize::from(*second ^ MASKED);
        let alone = self.partial.is_none() && self.head_len == 0 && self.masked;
        if length > LONGEST.min(limits.max_message) || !alone {
            return None;
        }
        unmask(rest.get_mut(..length)?, [*a, *b, *c, *d], 0);
        Some(SHORT_HEADER + length)
    }

    #[inline]
    fn advance(
        &mut self,
        input: &mut [u8],
        limits: &DecoderConfig,
    ) -> Result<(usize, Found), FrameError> {
        if self.partial.as_ref().is_some_and(|partial| partial.is_spent()) {
            self.partial = None;
        }
        let mut consumed = 0;
        loop {
            if self.partial.as_ref().is_none_or(|partial| partial.frame.is_none()) {
                let Some((header, size)) = self.take_header(&input[consumed..])? else {
                    return Ok((input.len(), Found::Nothing));
                };
                consumed += size;
                self.check_limits(&header, limits)?;

                let rest = &mut input[consumed..];
                if header.stands_alone()
                    && let Ok(length) = usize::try_from(header.length)
                    && let Some(payload) = rest.get_mut(..length)
                {
                    unmask(payload, header.mask, 0);
                    let end = consumed + length;
                    return Ok((end, Found::Whole(header.opcode, consumed, end)));
                }
                self.open(header);
            }
            let (taken, found) = self.take_payload(&mut input[consumed..], limits)?;
            consumed += taken;
            match found {
                Some(found) => return Ok((consumed, found)),
                None if consumed == input.len() => return Ok((consumed, Found::Nothing)),
                None => {}
            }
        }
    }

    /// Reads a header from the kept bytes and the front of `input`, and returns how many bytes of the
    /// input it took. Without a complete header, it keeps all of them.
    #[inline]
    fn take_header(&mut self, input: &[u8]) -> Result<Option<(Header, usize)>, FrameError> {
        let expect = Expect {
            continuation: self.message().is_some(),
            deflate: self.deflate,
            masked: self.masked,
        };
        let kept = usize::from(self.head_len);
        if kept == 0 {
            let parsed = Header::parse(input, expect)?;
            if parsed.is_none() {
                self.head[..input.len()].copy_from_slice(input);
                self.keep(input.len());
            }
            return Ok(parsed);
        }
        let added = input.len().min(MAX_HEADER - kept);
        self.head[kept..kept + added].copy_from_slice(&input[..added]);
        let Some((header, size)) = Header::parse(&self.head[..kept + added], expect)? else {
            self.keep(kept + added);
            return Ok(None);
        };
        self.head_len = 0;
        Ok(Some((header, size - kept)))
    }

    /// The bytes of all buffers, to test that nothing is reserved and nothing stays.
    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.partial.as_deref().map_or(0, Partial::held_bytes)
    }

    fn keep(&mut self, length: usize) {
        // An incomplete header is shorter than fourteen bytes.
        self.head_len = u8::try_from(length).unwrap_or(0);
    }

    /// The message under way.
    #[inline]
    fn message(&self) -> Option<&Assembly> {
        self.partial.as_ref()?.message.as_ref()
    }

    /// Judges the lengths and counts that a header declares, before any of its payload.
    #[inline]
    fn check_limits(&self, header: &Header, limits: &DecoderConfig) -> Result<(), FrameError> {
        if header.opcode.is_control() {
            return Ok(());
        }
        let (sum, fragments) = match self.message() {
            Some(message) => (message.length, message.fragments),
            None => (0, 0),
        };
        if fragments > 0 && fragments >= limits.max_fragments {
            return Err(FrameError::too_many_fragments());
        }
        if sum.saturating_add(header.length) > limits.max_message as u64 {
            return Err(FrameError::too_long());
        }
        Ok(())
    }

    fn open(&mut self, header: Header) {
        let partial = self.partial.get_or_insert_default();
        if header.opcode.is_control() {
            partial.control.clear();
        } else {
            let message = partial.message.get_or_insert_with(|| Assembly::new(&header));
            message.length = message.length.saturating_add(header.length);
            message.fragments = message.fragments.saturating_add(1);
        }
        partial.frame = Some(OpenFrame { header, received: 0 });
    }

    /// Takes what is there of the open frame's payload, and closes the frame at its end.
    fn take_payload(
        &mut self,
        input: &mut [u8],
        limits: &DecoderConfig,
    ) -> Result<(usize, Option<Found>), FrameError> {
        let Some(partial) = self.partial.as_deref_mut() else { return Ok((0, None)) };
        let Some(frame) = &mut partial.frame else { return Ok((0, None)) };
        let header = frame.header;

        let left = usize::try_from(header.length - frame.received).unwrap_or(usize::MAX);
        let taken = left.min(input.len());
        let piece = &mut input[..taken];
        unmask(piece, header.mask, frame.received);
        frame.received += taken as u64;
        let ended = frame.received == header.length;
        if ended {
            partial.frame = None;
        }

        if header.opcode.is_control() {
            partial.control.extend_from_slice(piece);
            return Ok((taken, ended.then_some(Found::Control(header.opcode))));
        }
        let Some(message) = &mut partial.message else { return Ok((taken, None)) };
        message.body.push(piece)?;
        if !(ended && header.fin) {
            return Ok((taken, None));
        }
        message.body.finish(limits.max_message)?;
        message.delivered = true;
        Ok((taken, Some(Found::Assembled)))
    }
}
