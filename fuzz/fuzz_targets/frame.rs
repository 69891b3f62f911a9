//! The frame decoder against a naive one, on any bytes cut anywhere.
//!
//! `cargo +nightly fuzz run frame -- -max_len=4096 -max_total_time=600`
//!
//! The input's first four bytes choose the limits, how the stream is cut and whether deflate is
//! on; the rest is a list of frames. A frame is written down in short (first byte, form of length,
//! payload), so that the fuzzer does not have to discover lengths and masks, or is raw bytes.
//! Checked: nothing panics; the messages and the close code do not depend on the cuts; without
//! compressed frames they are those of the naive decoder, which was written from the RFC for this
//! file and reads one frame after the other from the complete stream.

#![no_main]

use jstack_runtime::fuzzing::{FrameMessage, FrameStream};
use libfuzzer_sys::fuzz_target;

#[derive(Debug, PartialEq, Clone)]
enum Seen {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Vec<u8>),
    Failed(u16),
}

struct Limits {
    message: usize,
    fragments: u32,
}

fuzz_target!(|data: &[u8]| {
    let Some((&[size, count, cut, flags], recipe)) = data.split_first_chunk() else { return };
    let limits = Limits {
        message: if size == 0 { usize::MAX } else { usize::from(size) * 8 },
        fragments: u32::from(count),
    };
    let deflate = flags & 1 == 1;
    let stream = if flags & 2 == 2 { recipe.to_vec() } else { cook(recipe) };

    let whole = ours(&stream, &limits, deflate, stream.len().max(1));
    let pieces = ours(&stream, &limits, deflate, usize::from(cut % 32) + 1);
    assert_eq!(whole, pieces, "the cuts of the stream change its meaning");
    if !deflate {
        let mut expected = Vec::new();
        naive(&stream, None, &limits, &mut expected);
        assert_eq!(whole, expected, "ours differs from the naive decoder");
    }
});

fn ours(stream: &[u8], limits: &Limits, deflate: bool, piece: usize) -> Vec<Seen> {
    let mut decoder = FrameStream::new(limits.message, limits.fragments, deflate);
    let mut seen = Vec::new();
    let mut stream = stream.to_vec();
    for piece in stream.chunks_mut(piece) {
        let result = decoder.feed(piece, |message| {
            seen.push(match message {
                FrameMessage::Text(text) => Seen::Text(text.into()),
                FrameMessage::Binary(bytes) => Seen::Binary(bytes.into()),
                FrameMessage::Ping(bytes) => Seen::Ping(bytes.into()),
                FrameMessage::Pong(bytes) => Seen::Pong(bytes.into()),
                FrameMessage::Close(None) => Seen::Close(Vec::new()),
                FrameMessage::Close(Some((code, reason))) => {
                    Seen::Close([&code.to_be_bytes(), reason.as_bytes()].concat())
                }
            });
        });
        if let Err(code) = result {
            seen.push(Seen::Failed(code));
            break;
        }
        if let Some(Seen::Close(_)) = seen.last() {
            break;
        }
    }
    seen
}

/// Frames from their short form: first byte, form, payload length, payload.
fn cook(mut recipe: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    while let Some((&[first, form, length], rest)) = recipe.split_first_chunk() {
        let length = usize::from(length).min(rest.len());
        let (payload, rest) = rest.split_at(length);
        recipe = rest;
        // One byte in sixteen is raw trouble.
        let first = if form & 0xF0 == 0xF0 { first } else { first & 0xCB };
        stream.push(first);
        let mask_bit = if form & 0x1F == 0x1F { 0 } else { 0x80 };
        match (form & 3, length) {
            (3, _) if form & 0x70 == 0x70 => {
                stream.push(mask_bit | 127);
                stream.extend((length as u64).to_be_bytes());
            }
            (2, _) if form & 0x70 == 0x70 => {
                stream.push(mask_bit | 126);
                stream.extend((length as u16).to_be_bytes());
            }
            (_, 0..126) => stream.push(mask_bit | length as u8),
            _ => {
                stream.push(mask_bit | 126);
                stream.extend((length as u16).to_be_bytes());
            }
        }
        let key = [form, first, 0x5A, length as u8];
        if mask_bit != 0 {
            stream.extend(key);
        }
        stream.extend(payload.iter().enumerate().map(|(i, byte)| byte ^ key[i & 3]));
    }
    stream
}

/// The data message under way: its opcode, its bytes and its number of frames.
type UnderWay = (u8, Vec<u8>, u32);

fn naive(mut input: &[u8], mut message: Option<UnderWay>, limits: &Limits, seen: &mut Vec<Seen>) {
    loop {
        let Some(next) = naive_frame(input, message, limits, seen) else { return };
        (input, message) = next;
    }
}

/// Reads one frame and says what is left, or ends the story: with an error, a close frame, or
/// because the rest has not arrived.
fn naive_frame<'a>(
    input: &'a [u8],
    message: Option<UnderWay>,
    limits: &Limits,
    seen: &mut Vec<Seen>,
) -> Option<(&'a [u8], Option<UnderWay>)> {
    let mut fail = |code| {
        seen.push(Seen::Failed(code));
        None
    };
    let b0 = *input.first()?;
    let (fin, rsv, opcode) = (b0 >> 7 == 1, b0 >> 4 & 7, b0 & 15);
    let known = [0, 1, 2, 8, 9, 10].contains(&opcode);
    let control = opcode > 7;
    let in_place = control || message.is_some() == (opcode == 0);
    if rsv != 0 || !known || (control && !fin) || !in_place {
        return fail(1002);
    }
    let b1 = *input.get(1)?;
    let masked = b1 >> 7 == 1;
    let short = b1 & 127;
    if !masked || (control && short >= 126) {
        return fail(1002);
    }
    let (length, header) = match short {
        126 => (u64::from_be_bytes([0, 0, 0, 0, 0, 0, *input.get(2)?, *input.get(3)?]), 4),
        127 => (u64::from_be_bytes(input.get(2..10)?.try_into().unwrap()), 10),
        _ => (u64::from(short), 2),
    };
    let shortest = match length {
        0..=125 => 2,
        126..=0xFFFF => 4,
        _ => 10,
    };
    if header != shortest || length > i64::MAX as u64 {
        return fail(1002);
    }
    let key = input.get(header..header + 4)?;
    let rest = &input[header + 4..];

    let before = message.clone().unwrap_or((opcode, Vec::new(), 0));
    if !control {
        if before.2 >= 1 && before.2 + 1 > limits.fragments {
            return fail(1008);
        }
        if before.1.len() as u128 + u128::from(length) > limits.message as u128 {
            return fail(1009);
        }
    }

    let arrived = usize::try_from(length).unwrap().min(rest.len());
    let payload: Vec<u8> = (0..arrived).map(|i| rest[i] ^ key[i % 4]).collect();
    let complete = arrived as u64 == length;
    let after = &rest[arrived..];

    if control {
        if !complete {
            return None;
        }
        return match opcode {
            9 => {
                seen.push(Seen::Ping(payload));
                Some((after, message))
            }
            10 => {
                seen.push(Seen::Pong(payload));
                Some((after, message))
            }
            _ => match naive_close(&payload) {
                Some(code) => fail(code),
                None => {
                    seen.push(Seen::Close(payload));
                    None
                }
            },
        };
    }

    let (kind, mut bytes, frames) = before;
    bytes.extend(payload);
    let ended = complete && fin;
    if kind == 1 && !naive_utf8(&bytes, ended) {
        return fail(1007);
    }
    if !complete {
        return None;
    }
    if !ended {
        return Some((after, Some((kind, bytes, frames + 1))));
    }
    seen.push(if kind == 1 { Seen::Text(bytes) } else { Seen::Binary(bytes) });
    Some((after, None))
}

fn naive_close(payload: &[u8]) -> Option<u16> {
    let code = match payload {
        [] => return None,
        [_] => return Some(1002),
        [high, low, ..] => u16::from(*high) << 8 | u16::from(*low),
    };
    match code {
        1000 | 1001 | 1002 | 1003 | 1007 | 1008 | 1009 | 1010 | 1011 | 1012 | 1013 | 1014 => {}
        3000..5000 => {}
        _ => return Some(1002),
    }
    if naive_utf8(&payload[2..], true) { None } else { Some(1007) }
}

/// The table of well-formed byte sequences of the Unicode standard (table 3-7), written out.
fn naive_utf8(bytes: &[u8], ended: bool) -> bool {
    let mut at = 0;
    while at < bytes.len() {
        let (count, second) = match bytes[at] {
            0x00..=0x7F => (0, 0x80..=0xBF),
            0xC2..=0xDF => (1, 0x80..=0xBF),
            0xE0 => (2, 0xA0..=0xBF),
            0xED => (2, 0x80..=0x9F),
            0xE1..=0xEF => (2, 0x80..=0xBF),
            0xF0 => (3, 0x90..=0xBF),
            0xF1..=0xF3 => (3, 0x80..=0xBF),
            0xF4 => (3, 0x80..=0x8F),
            _ => return false,
        };
        for step in 1..=count {
            let Some(byte) = bytes.get(at + step) else { return !ended };
            let range = if step == 1 { second.clone() } else { 0x80..=0xBF };
            if !range.contains(byte) {
                return false;
            }
        }
        at += count + 1;
    }
    true
}
