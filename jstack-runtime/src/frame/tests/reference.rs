//! A decoder as plain as can be, for comparison: the whole stream at once, one bit of the RFC
//! after the other, no thought of speed or memory.

use super::{DecoderConfig, IntoOutcome, Owned};

/// What the stream means, up to its first error or close frame.
pub(super) fn decode(stream: &[u8], limits: &DecoderConfig) -> IntoOutcome {
    let mut messages = Vec::new();
    let error = run(stream, limits, &mut messages).err();
    IntoOutcome { messages, error }
}

struct Open {
    text: bool,
    payload: Vec<u8>,
    declared: u128,
    frames: u64,
}

fn run(stream: &[u8], limits: &DecoderConfig, messages: &mut Vec<Owned>) -> Result<(), u16> {
    let mut open: Option<Open> = None;
    let mut at = 0;
    // A byte that has not arrived ends the story without an error.
    macro_rules! byte {
        () => {{
            let Some(byte) = stream.get(at) else { return Ok(()) };
            at += 1;
            *byte
        }};
    }
    loop {
        let first = byte!();
        let fin = first >= 0x80;
        let opcode = first % 16;
        if (first / 16) % 8 != 0 || matches!(opcode, 3..=7 | 11..) {
            return Err(1002);
        }
        let is_control = opcode >= 8;
        if is_control && !fin {
            return Err(1002);
        }
        if !is_control && (opcode == 0) != open.is_some() {
            return Err(1002);
        }

        let second = byte!();
        if second < 0x80 {
            return Err(1002);
        }
        let mut length = u128::from(second - 0x80);
        if is_control && length > 125 {
            return Err(1002);
        }
        if length >= 126 {
            let (bytes, least) = if length == 126 { (2, 126) } else { (8, 65_536) };
            length = 0;
            for _ in 0..bytes {
                length = length * 256 + u128::from(byte!());
            }
            if length < least || length >= 1 << 63 {
                return Err(1002);
            }
        }
        let key = [byte!(), byte!(), byte!(), byte!()];

        if !is_control {
            let (declared, frames) =
                open.as_ref().map_or((0, 0), |open| (open.declared, open.frames));
            if frames > 0 && frames + 1 > u64::from(limits.max_fragments) {
                return Err(1008);
            }
            if declared + length > limits.max_message as u128 {
                return Err(1009);
            }
        }

        let there = length.min((stream.len() - at) as u128);
        let complete = there == length;
        let end = at + usize::try_from(there).unwrap();
        let payload: Vec<u8> =
            stream[at..end].iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect();
        at = end;

        if is_control {
            if !complete {
                return Ok(());
            }
            match opcode {
                9 => messages.push(Owned::Ping(payload)),
                10 => messages.push(Owned::Pong(payload)),
                _ => {
                    messages.push(close(&payload)?);
                    return Ok(());
                }
            }
            continue;
        }

        let mut message = open.take().unwrap_or(Open {
            text: opcode == 1,
            payload: Vec::new(),
            declared: 0,
            frames: 0,
        });
        message.payload.extend(payload);
        message.declared += length;
        message.frames += 1;
        let over = complete && fin;
        if message.text {
            match String::from_utf8(message.payload.clone()) {
                Ok(text) if over => messages.push(Owned::Text(text)),
                Err(error) if over || error.utf8_error().error_len().is_some() => return Err(1007),
                Ok(_) | Err(_) => {}
            }
        } else if over {
            messages.push(Owned::Binary(message.payload.clone()));
        }
        if !complete {
            return Ok(());
        }
        open = (!over).then_some(message);
    }
}

fn close(payload: &[u8]) -> Result<Owned, u16> {
    if payload.is_empty() {
        return Ok(Owned::Close(None));
    }
    if payload.len() == 1 {
        return Err(1002);
    }
    let code = u16::from(payload[0]) * 256 + u16::from(payload[1]);
    let unassigned = code < 1000 || (1015..3000).contains(&code) || code >= 5000;
    if unassigned || [1004, 1005, 1006].contains(&code) {
        return Err(1002);
    }
    let reason = String::from_utf8(payload[2..].to_vec()).map_err(|_| 1007_u16)?;
    Ok(Owned::Close(Some((code, reason))))
}
