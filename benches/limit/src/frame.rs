//! As much of RFC 6455 as the chat needs: whole masked frames in, whole text frames out.

/// The longest payload taken from a client.
const LONGEST: u64 = 1 << 20;

pub(crate) const TEXT: u8 = 1;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// The frame at the start of the bytes.
pub(crate) enum Taken<'a> {
    /// A final frame, its payload unmasked in place, and the bytes it used.
    Frame { opcode: u8, payload: &'a mut [u8], used: usize },
    /// The rest is still to come.
    Incomplete,
    /// Nothing that a client may send here.
    Refused,
}

/// Takes one client frame from the start of `bytes`.
pub(crate) fn take(bytes: &mut [u8]) -> Taken<'_> {
    let [first, second, ..] = *bytes else { return Taken::Incomplete };
    // Final, no extension bits, masked: anything else does not occur in the chat.
    if first & 0xf0 != 0x80 || second & 0x80 == 0 {
        return Taken::Refused;
    }
    let after = bytes.get(2..).unwrap_or_default();
    let (length, mask_at) = match second & 0x7f {
        126 => match after.first_chunk() {
            Some(length) => (u64::from(u16::from_be_bytes(*length)), 4),
            None => return Taken::Incomplete,
        },
        127 => match after.first_chunk() {
            Some(length) => (u64::from_be_bytes(*length), 10),
            None => return Taken::Incomplete,
        },
        short => (u64::from(short), 2),
    };
    if length > LONGEST {
        return Taken::Refused;
    }
    let used = mask_at + 4 + length as usize;
    let Some(frame) = bytes.get_mut(mask_at..used) else { return Taken::Incomplete };
    let (mask, payload) = frame.split_at_mut(4);
    unmask(payload, [mask[0], mask[1], mask[2], mask[3]]);
    Taken::Frame { opcode: first & 0x0f, payload, used }
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let word = u64::from(u32::from_ne_bytes(mask));
    let word = word << 32 | word;
    let (words, rest) = payload.as_chunks_mut::<8>();
    for bytes in words {
        *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= key;
    }
}

/// Room before the payload for the longest header, so that the payload is written in its place.
const HEAD: usize = 10;

/// One text frame, written into a buffer that is used again and again.
#[derive(Default)]
pub(crate) struct TextFrame {
    buffer: Vec<u8>,
    start: usize,
}

impl TextFrame {
    /// Begins a new frame; the caller appends the payload.
    pub(crate) fn begin(&mut self) -> &mut Vec<u8> {
        self.buffer.clear();
        self.buffer.resize(HEAD, 0);
        &mut self.buffer
    }

    /// Writes the header in front of the payload.
    pub(crate) fn finish(&mut self) {
        let length = self.buffer.len() - HEAD;
        if let Ok(short @ 0..126) = u8::try_from(length) {
            self.start = HEAD - 2;
            self.buffer[HEAD - 1] = short;
        } else if let Ok(middle) = u16::try_from(length) {
            self.start = HEAD - 4;
            self.buffer[HEAD - 3] = 126;
            self.buffer[HEAD - 2..HEAD].copy_from_slice(&middle.to_be_bytes());
        } else {
            self.start = 0;
            self.buffer[1] = 127;
            self.buffer[2..HEAD].copy_from_slice(&(length as u64).to_be_bytes());
        }
        self.buffer[self.start] = 0x80 | TEXT;
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.buffer[HEAD..]
    }
}

/// The answer to a ping.
pub(crate) fn pong(payload: &[u8]) -> Vec<u8> {
    let payload = &payload[..payload.len().min(125)];
    [&[0x80 | PONG, payload.len() as u8], payload].concat()
}

#[cfg(test)]
mod tests {
    use super::{Taken, TextFrame, take};

    /// A client frame with the header that its length asks for.
    fn masked(payload: &[u8]) -> Vec<u8> {
        let mask = [1, 2, 3, 4];
        let mut text = TextFrame::default();
        text.begin().extend_from_slice(payload);
        text.finish();
        let mut bytes = text.bytes()[..text.bytes().len() - payload.len()].to_vec();
        bytes[1] |= 0x80;
        bytes.extend(mask);
        bytes.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ mask[i % 4]));
        bytes
    }

    #[test]
    fn a_frame_of_every_header_length_is_taken_whole_and_not_before() {
        for length in [0, 1, 7, 8, 9, 13, 125, 126, 65535, 65536] {
            let payload: Vec<u8> = (0..length).map(|i: u32| i as u8).collect();
            let whole = masked(&payload);
            let mut short = whole[..whole.len() - 1].to_vec();
            assert!(matches!(take(&mut short), Taken::Incomplete), "{length}");
            let mut bytes = [&whole[..], b"next"].concat();
            let Taken::Frame { opcode: 1, payload: taken, used } = take(&mut bytes) else {
                panic!("no frame of {length}")
            };
            assert_eq!((&*taken, used), (&payload[..], whole.len()));
        }
    }

    #[test]
    fn unmasked_and_fragmented_frames_are_refused() {
        assert!(matches!(take(&mut [0x81, 0x01, b'x']), Taken::Refused));
        assert!(matches!(take(&mut [0x01, 0x81, 0, 0, 0, 0, b'x']), Taken::Refused));
    }
}
