//! The header of a frame: parsed and judged before a byte of payload is kept.

use super::FrameError;

/// The longest header a client can send: two bytes, a length of eight, a key of four.
pub(super) const MAX_HEADER: usize = 14;

/// The longest payload of a ping, pong or close frame.
pub(super) const MAX_CONTROL: usize = 125;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2_AND_3: u8 = 0x30;
pub(super) const MASKED: u8 = 0x80;

/// What a frame carries. The values are those of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Opcode {
    Continuation = 0x0,
    Text = 0x1,
    Binary = 0x2,
    Close = 0x8,
    Ping = 0x9,
    Pong = 0xA,
}

impl Opcode {
    fn from_wire(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    pub(super) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// What the stream allows at this point.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expect {
    /// A message has begun and not ended: only its continuation or a control frame may follow.
    pub(super) continuation: bool,
    /// permessage-deflate was negotiated: a message's first frame may have RSV1 set.
    pub(super) deflate: bool,
    /// The frames are a client's, which are masked; a server's are not.
    pub(super) masked: bool,
}

/// A header that passed every check except the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) opcode: Opcode,
    pub(super) fin: bool,
    /// RSV1: the message this frame begins is compressed.
    pub(super) compressed: bool,
    pub(super) mask: [u8; 4],
    pub(super) length: u64,
}

impl Header {
    /// Reads a header from the front of `bytes`: with its size once it is complete, `None` while
    /// more bytes are needed. What is wrong already in the first byte is refused at the first byte.
    #[inline]
    pub(super) fn parse(bytes: &[u8], expect: Expect) -> Result<Option<(Self, usize)>, FrameError> {
        let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
        let (opcode, fin, compressed) = check_first(first, expect)?;

        let Some((&second, rest)) = rest.split_first() else { return Ok(None) };
        if (second & MASKED != 0) != expect.masked {
            return Err(wrongly_masked(expect.masked));
        }
        let short = second & !MASKED;
        if opcode.is_control() && usize::from(short) > MAX_CONTROL {
            return Err(FrameError::protocol("control frame is longer than 125 bytes"));
        }

        let (length, rest, size) = match short {
            126 => {
                let Some((length, rest)) = rest.split_first_chunk() else { return Ok(None) };
                let length = u64::from(u16::from_be_bytes(*length));
                if length < 126 {
                    return Err(NOT_MINIMAL);
                }
                (length, rest, 8)
            }
            127 => {
                let Some((length, rest)) = rest.split_first_chunk() else { return Ok(None) };
                let length = u64::from_be_bytes(*length);
                if length >> 63 == 1 {
                    return Err(FrameError::protocol("top bit of the frame's length is set"));
                }
                if u16::try_from(length).is_ok() {
                    return Err(NOT_MINIMAL);
                }
                (length, rest, 14)
            }
            short => (u64::from(short), rest, 6),
        };

        if !expect.masked {
            let header = Self { opcode, fin, compressed, mask: [0; 4], length };
            return Ok(Some((header, size - 4)));
        }
        let Some(&mask) = rest.first_chunk() else { return Ok(None) };
        Ok(Some((Self { opcode, fin, compressed, mask, length }, size)))
    }

    /// Whether the frame is a message by itself, that needs nothing but unmasking.
    #[inline]
    pub(super) fn stands_alone(&self) -> bool {
        match self.opcode {
            Opcode::Text | Opcode::Binary => self.fin && !self.compressed,
            Opcode::Continuation => false,
            Opcode::Close | Opcode::Ping | Opcode::Pong => true,
        }
    }
}

const NOT_MINIMAL: FrameError =
    FrameError::protocol("frame's length is not encoded in the fewest bytes");

#[cold]
fn wrongly_masked(expected: bool) -> FrameError {
    FrameError::protocol(if expected {
        "client frame is not masked"
    } else {
        "server frame is masked"
    })
}

#[inline]
fn check_first(first: u8, expect: Expect) -> Result<(Opcode, bool, bool), FrameError> {
    let fin = first & FIN != 0;
    let compressed = first & RSV1 != 0;

    if first & RSV2_AND_3 != 0 {
        return Err(FrameError::protocol("reserved bit RSV2 or RSV3 is set"));
    }
    let Some(opcode) = Opcode::from_wire(first & 0x0F) else {
        return Err(FrameError::protocol("frame has a reserved opcode"));
    };
    if opcode.is_control() && !fin {
        return Err(FrameError::protocol("control frame is fragmented"));
    }
    if compressed && !expect.deflate {
        return Err(FrameError::protocol("reserved bit RSV1 is set without an extension"));
    }
    if compressed && !matches!(opcode, Opcode::Text | Opcode::Binary) {
        return Err(FrameError::protocol("RSV1 is set on a frame that does not begin a message"));
    }
    match (opcode, expect.continuation) {
        (Opcode::Continuation, false) => {
            Err(FrameError::protocol("continuation frame without a message to continue"))
        }
        (Opcode::Text | Opcode::Binary, true) => {
            Err(FrameError::protocol("new message begins before the last one has ended"))
        }
        _ => Ok((opcode, fin, compressed)),
    }
}
