//! Frames to send, frames received, and the stamp that travels through the server.

use crate::args::Dialect;

/// Occurs in no name and no other part of a message.
const MARK: u8 = b'@';
const TIME: usize = 16;
const SENDER: usize = 8;

/// A client's text frame. The mask is zero: legal, and masking then costs us nothing, while the
/// server cannot know and unmasks all the same.
pub(crate) fn text(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81];
    match payload.len() {
        short @ 0..126 => frame.push(0x80 + short as u8),
        middle @ 126..0x1_0000 => {
            frame.push(0x80 + 126);
            frame.extend((middle as u16).to_be_bytes());
        }
        long => {
            frame.push(0x80 + 127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// A server's frame.
pub(crate) struct Frame<'a> {
    pub(crate) opcode: u8,
    pub(crate) payload: &'a [u8],
}

/// Takes a whole frame off `bytes`, or leaves them as they are.
pub(crate) fn take<'a>(bytes: &mut &'a [u8]) -> Option<Frame<'a>> {
    let (&[first, second], rest) = bytes.split_first_chunk()?;
    let (length, rest) = match second & 0x7f {
        126 => {
            let (length, rest) = rest.split_first_chunk()?;
            (u16::from_be_bytes(*length) as usize, rest)
        }
        127 => {
            let (length, rest) = rest.split_first_chunk()?;
            (u64::from_be_bytes(*length) as usize, rest)
        }
        short => (short as usize, rest),
    };
    let (payload, rest) = rest.split_at_checked(length)?;
    *bytes = rest;
    Some(Frame { opcode: first & 0x0f, payload })
}

/// A frame with a message in it, of which only the time changes from one sending to the next.
#[derive(Default)]
pub(crate) struct Template {
    frame: Vec<u8>,
    time_at: usize,
}

impl Template {
    pub(crate) fn new(dialect: Dialect, room: usize, sender: usize, bytes: usize) -> Self {
        let event = match dialect {
            Dialect::Raw | Dialect::V1 | Dialect::Half => r#"["message""#,
            Dialect::Request => r#"["check""#,
            Dialect::Socketio => r#"42["message""#,
        };
        let head = format!(r#"{event},{{"roomId":"r{room}","message":""#);
        let tail = match dialect {
            Dialect::Request => r#"","author":"a"},{"i":"1"}]"#,
            _ => r#"","author":"a"}]"#,
        };
        let stamp = format!("{}{:0TIME$x}{sender:0SENDER$x}", MARK as char, 0);
        let filler = bytes.saturating_sub(head.len() + stamp.len() + tail.len());
        let payload = format!("{head}{stamp}{}{tail}", "x".repeat(filler));
        let frame = text(payload.as_bytes());
        let time_at = frame.len() - payload.len() + head.len() + 1;
        Self { frame, time_at }
    }

    /// Bytes without a time in them.
    pub(crate) fn fixed(bytes: Vec<u8>) -> Self {
        Self { frame: bytes, time_at: usize::MAX }
    }

    /// The frame, saying that it is sent now.
    pub(crate) fn stamped(&mut self, now: u64) -> &[u8] {
        let time = self.frame.get_mut(self.time_at..self.time_at.saturating_add(TIME));
        let time = time.unwrap_or_default();
        let mut left = now;
        for digit in time.iter_mut().rev() {
            *digit = b"0123456789abcdef"[left as usize & 15];
            left >>= 4;
        }
        &self.frame
    }
}

/// What a received message says about itself.
#[derive(Debug, PartialEq)]
pub(crate) struct Stamp {
    pub(crate) sent: u64,
    pub(crate) sender: usize,
}

impl Stamp {
    pub(crate) fn find(payload: &[u8]) -> Option<Self> {
        let at = memchr::memchr(MARK, payload)? + 1;
        let (time, rest) = payload[at..].split_at_checked(TIME)?;
        let sender = rest.get(..SENDER)?;
        Some(Self { sent: hex(time)?, sender: hex(sender)? as usize })
    }
}

fn hex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |value, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(value << 4 | u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Stamp, Template, take};

    #[test]
    fn a_stamp_is_found_in_what_the_server_sends_back() {
        for (dialect, bytes) in
            [(Dialect::Raw, 100), (Dialect::Socketio, 300), (Dialect::Request, 120)]
        {
            let mut template = Template::new(dialect, 7, 31, bytes);
            let frame = template.stamped(0xfeed);
            let payload = frame[frame.len() - bytes..].to_vec();
            assert_eq!(Stamp::find(&payload), Some(Stamp { sent: 0xfeed, sender: 31 }));
        }
    }

    #[test]
    fn a_frame_is_taken_whole_and_not_before() {
        for length in [0usize, 125, 126, 70_000] {
            let mut frame = vec![0x81];
            match length {
                0..126 => frame.push(length as u8),
                126..65_536 => {
                    frame.push(126);
                    frame.extend((length as u16).to_be_bytes());
                }
                _ => {
                    frame.push(127);
                    frame.extend((length as u64).to_be_bytes());
                }
            }
            frame.extend(vec![b'x'; length]);
            assert!(take(&mut &frame[..frame.len() - 1]).is_none(), "{length}");
            frame.push(0x8a);
            let mut bytes = &frame[..];
            let taken = take(&mut bytes).expect("a frame");
            assert_eq!((taken.opcode, taken.payload.len(), bytes), (1, length, &[0x8a][..]));
        }
    }
}
