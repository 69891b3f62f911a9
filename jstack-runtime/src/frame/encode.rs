//! Frames to send, never fragmented: a server's are not masked, a client's are.

use std::ops::Deref;

use super::close::may_be_sent;
use super::header::{MAX_CONTROL, Opcode};
#[cfg(any(test, feature = "client"))]
use super::mask::unmask as mask;

/// Room that the longest header of a server's frame needs before its payload.
pub(crate) const HEADROOM: usize = 10;

/// The longest reason a close frame has room for, after its code.
const MAX_REASON: usize = MAX_CONTROL - 2;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;

/// Writes the header of a frame right before its payload and returns where the frame starts.
///
/// `buffer` is [`HEADROOM`] unused bytes and then the payload, so that a payload is written once,
/// where it is sent from. `rsv1` marks a compressed message.
pub(crate) fn write_header(buffer: &mut [u8], opcode: Opcode, rsv1: bool) -> usize {
    let end = buffer.len();
    let Some((head, payload)) = buffer.split_first_chunk_mut::<HEADROOM>() else {
        debug_assert!(false, "a frame's buffer begins with {HEADROOM} bytes for the header");
        return end;
    };
    let first = FIN | if rsv1 { RSV1 } else { 0 } | opcode as u8;
    let length = payload.len() as u64;
    let [.., h6, h7, h8, h9] = head;
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..=125), _) => {
            [*h8, *h9] = [first, length];
            8
        }
        (_, Ok(length)) => {
            [*h6, *h7] = [first, 126];
            [*h8, *h9] = length.to_be_bytes();
            6
        }
        _ => {
            let [l0, l1, l2, l3, l4, l5, l6, l7] = length.to_be_bytes();
            *head = [first, 127, l0, l1, l2, l3, l4, l5, l6, l7];
            0
        }
    }
}

/// Appends a client's frame, masked with `key`.
#[cfg(any(test, feature = "client"))]
pub(crate) fn write_masked(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8], key: [u8; 4]) {
    const MASKED: u8 = 0x80;
    out.push(FIN | opcode as u8);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(length @ ..=125), _) => out.push(MASKED | length),
        (_, Ok(length)) => {
            out.push(MASKED | 0x7E);
            out.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            out.push(MASKED | 0x7F);
            out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&key);
    let start = out.len();
    out.extend_from_slice(payload);
    mask(&mut out[start..], key, 0);
}

/// A whole ping, pong or close frame, on the stack. Derefs to its bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ControlFrame {
    bytes: [u8; 2 + MAX_CONTROL],
    length: u8,
}

impl ControlFrame {
    fn new(opcode: Opcode) -> Self {
        let mut bytes = [0; 2 + MAX_CONTROL];
        bytes[0] = FIN | opcode as u8;
        Self { bytes, length: 0 }
    }

    /// Appends as much of `part` as fits.
    fn push(&mut self, part: &[u8]) {
        let room = &mut self.bytes[2 + usize::from(self.length)..];
        let taken = part.len().min(room.len());
        room[..taken].copy_from_slice(&part[..taken]);
        // Never more than 125.
        self.length += u8::try_from(taken).unwrap_or(0);
        self.bytes[1] = self.length;
    }
}

impl Deref for ControlFrame {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..2 + usize::from(self.length)]
    }
}

/// A ping or pong. A payload is at most 125 bytes; what is longer is cut.
pub(crate) fn control(opcode: Opcode, payload: &[u8]) -> ControlFrame {
    debug_assert!(opcode.is_control(), "{opcode:?} is not a control frame");
    let mut frame = ControlFrame::new(opcode);
    frame.push(payload);
    frame
}

/// A close frame.
///
/// The reason is cut at 123 bytes, before a character, and loses its control characters: it ends
/// in other people's logs. A code that must not be sent (such as 1005, "none was given") makes an
/// empty frame, so that the answer to an empty close is `close(1005, "")`.
pub(crate) fn close(code: u16, reason: &str) -> ControlFrame {
    let mut frame = ControlFrame::new(Opcode::Close);
    if !may_be_sent(code) {
        return frame;
    }
    frame.push(&code.to_be_bytes());
    let mut room = MAX_REASON;
    for character in reason.chars().filter(|character| !character.is_control()) {
        let Some(left) = room.checked_sub(character.len_utf8()) else { break };
        room = left;
        frame.push(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
    frame
}
