//! Fragments, and control frames between them.

use super::*;

#[test]
fn fragments_are_put_together() {
    assert_messages(
        &[frame(TEXT_BEGINS, b"one "), frame(CONTINUES, b"two "), frame(ENDS, b"three")].concat(),
        &[text("one two three")],
    );
    assert_messages(
        &[frame(BINARY_BEGINS, b"\xff"), frame(ENDS, b"\xfe")].concat(),
        &[Owned::Binary(b"\xff\xfe".to_vec())],
    );
}

#[test]
fn empty_fragments_make_an_empty_message() {
    let stream = [frame(TEXT_BEGINS, b""), frame(CONTINUES, b""), frame(ENDS, b"")].concat();
    assert_messages(&stream, &[text("")]);
}

#[test]
fn control_frames_between_fragments_come_first() {
    let stream = [
        frame(TEXT_BEGINS, b"a"),
        frame(PING, b"1"),
        frame(PONG, b"2"),
        frame(CONTINUES, b"b"),
        frame(PING, b""),
        frame(ENDS, b"c"),
        frame(PING, b"4"),
    ]
    .concat();
    let expected = [
        Owned::Ping(b"1".to_vec()),
        Owned::Pong(b"2".to_vec()),
        Owned::Ping(Vec::new()),
        text("abc"),
        Owned::Ping(b"4".to_vec()),
    ];
    assert_messages(&stream, &expected);
}

#[test]
fn control_frames_do_not_count_as_fragments() {
    let limits = DecoderConfig { max_message: 8, max_fragments: 2 };
    let mut stream = frame(TEXT_BEGINS, b"a");
    for _ in 0..50 {
        stream.extend(frame(PING, b"a payload longer than the limit of messages"));
    }
    stream.extend(frame(ENDS, b"b"));
    let outcome = outcome_with(&limits, &stream);
    assert_eq!((outcome.messages.len(), outcome.error), (51, None));
}

/// What the protocol says of frames with these first bytes and the payload "x".
fn judged(firsts: &[u8]) -> IntoOutcome {
    let mut messages = Vec::new();
    let mut open: Option<(u8, usize)> = None;
    for &first in firsts {
        let (opcode, fin) = (first & 0x0F, first & 0x80 != 0);
        let (kind, frames) = match (opcode, open.take()) {
            (0x9, message) => {
                messages.push(Owned::Ping(b"x".to_vec()));
                open = message;
                continue;
            }
            (0x1 | 0x2, None) => (opcode, 1),
            (0x0, Some((kind, frames))) => (kind, frames + 1),
            _ => return IntoOutcome { messages, error: Some(1002) },
        };
        match (fin, kind) {
            (false, _) => open = Some((kind, frames)),
            (true, 0x1) => messages.push(Owned::Text("x".repeat(frames))),
            (true, _) => messages.push(Owned::Binary(b"x".repeat(frames))),
        }
    }
    IntoOutcome { messages, error: None }
}

#[test]
fn every_interleaving_of_four_data_continuation_and_control_frames_is_judged() {
    let kinds = [TEXT, BINARY, TEXT_BEGINS, BINARY_BEGINS, CONTINUES, ENDS, PING];
    let count = if cfg!(miri) { 2 } else { 4 };
    for number in 0..kinds.len().pow(count) {
        let firsts: Vec<u8> =
            (0..count).map(|place| kinds[number / kinds.len().pow(place) % kinds.len()]).collect();
        let stream: Vec<u8> = firsts.iter().flat_map(|first| frame(*first, b"x")).collect();
        assert_eq!(outcome(&stream), judged(&firsts), "{firsts:x?}");
    }
}
