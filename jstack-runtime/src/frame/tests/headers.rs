//! Each check of a header, at the earliest byte that breaks it.

use super::*;

/// The code that this prefix of a stream fails with, given at once and byte by byte.
fn fails(prefix: &[u8]) -> Option<u16> {
    outcome_with(&NO_LIMITS, prefix).error
}

#[test]
fn every_first_byte_is_judged_by_itself() {
    for first in 0..=u8::MAX {
        let reserved_bits = first & 0x70 != 0;
        let opcode = first & 0x0F;
        let unfinished_control = opcode >= 8 && first & 0x80 == 0;
        let fine = !reserved_bits && matches!(opcode, 1 | 2 | 8 | 9 | 10) && !unfinished_control;
        assert_eq!(fails(&[first]), if fine { None } else { Some(1002) }, "{first:#04x}");
    }
}

#[test]
fn first_bytes_inside_a_message_may_only_continue_it_or_be_control() {
    for first in 0..=u8::MAX {
        let mut stream = frame(BINARY_BEGINS, b"x");
        stream.push(first);
        let fine = matches!(first, 0x00 | 0x80 | 0x88..=0x8A);
        assert_eq!(fails(&stream), if fine { None } else { Some(1002) }, "{first:#04x}");
    }
}

#[test]
fn rsv1_passes_only_where_deflate_was_negotiated_and_a_message_begins() {
    for (first, deflate) in [
        (0xC1, 0x0),
        (0xC2, 0x0),
        (0x41, 0x0),
        (0xC0, 0x1),
        (0xC8, 0x1),
        (0xC9, 0x1),
        (0xCA, 0x1),
        (0xA1, 0x1),
        (0x91, 0x1),
        (0xE1, 0x1),
    ] {
        let outcome = feed(&mut Decoder::new(deflate == 1), &NO_LIMITS, [&[first][..]]);
        assert_eq!(outcome.error, Some(1002), "{first:#04x}");
    }
    let begun = [frame(BINARY_BEGINS, b"x"), vec![0xC0]].concat();
    assert_eq!(feed(&mut Decoder::new(true), &NO_LIMITS, [&begun[..]]).error, Some(1002));
    let expected = if cfg!(feature = "deflate") { None } else { Some(1002) };
    for first in [0xC1, 0xC2, 0x41, 0x42] {
        let outcome = feed(&mut Decoder::new(true), &NO_LIMITS, [&[first][..]]);
        assert_eq!(outcome.error, expected, "{first:#04x}");
    }
}

#[test]
fn an_unmasked_frame_fails_at_its_second_byte() {
    for length in [0, 1, 125, 126, 127] {
        assert_eq!(fails(&[TEXT, length]), Some(1002));
        assert_eq!(fails(&[TEXT, MASKED + length]), None);
    }
}

#[test]
fn control_frames_longer_than_125_bytes_fail_at_the_second_byte() {
    for first in [CLOSE, PING, PONG] {
        assert_eq!(fails(&[first, MASKED + 125]), None);
        assert_eq!(fails(&[first, MASKED + 126]), Some(1002));
        assert_eq!(fails(&[first, MASKED + 127]), Some(1002));
    }
}

#[test]
fn a_length_must_be_written_in_the_fewest_bytes() {
    for (length, fine) in [(0_u16, false), (1, false), (125, false), (126, true), (65535, true)] {
        let stream = [&[BINARY, MASKED + 126][..], &length.to_be_bytes()].concat();
        assert_eq!(fails(&stream), if fine { None } else { Some(1002) }, "{length} in two bytes");
    }
    for (length, fine) in [
        (0_u64, false),
        (125, false),
        (126, false),
        (65_535, false),
        (65_536, true),
        ((1 << 63) - 1, true),
        (1 << 63, false),
        (u64::MAX, false),
    ] {
        let stream = [&[BINARY, MASKED + 127][..], &length.to_be_bytes()].concat();
        assert_eq!(fails(&stream), if fine { None } else { Some(1002) }, "{length} in eight bytes");
    }
}

#[test]
fn payloads_around_each_length_encoding_arrive_as_sent() {
    let lengths: &[usize] =
        if cfg!(miri) { &[0, 1, 125, 126, 127] } else { &[0, 1, 125, 126, 127, 65_535, 65_536] };
    for &length in lengths {
        let payload: Vec<u8> = (0..=250).cycle().take(length).collect();
        let messages = outcome_with(&NO_LIMITS, &frame(BINARY, &payload)).messages;
        assert_eq!(messages, [Owned::Binary(payload)], "{length}");
    }
}

#[test]
fn a_message_that_lies_whole_in_the_input_is_borrowed_from_it() {
    let mut input = [frame(TEXT, b"[\"a\",1]"), frame(PING, b"p"), frame(BINARY, b"b")].concat();
    let range = input.as_ptr_range();
    let mut decoder = Decoder::new(false);
    let mut rest = &mut input[..];
    for _ in 0..3 {
        let step = decoder.decode(rest, &NO_LIMITS).unwrap();
        let at = match step.message {
            Some(Message::Text(text)) => text.as_ptr(),
            Some(Message::Binary(bytes) | Message::Ping(bytes)) => bytes.as_ptr(),
            other => panic!("{other:?}"),
        };
        assert!(range.contains(&at));
        let consumed = step.consumed;
        rest = &mut rest[consumed..];
    }
    assert!(rest.is_empty());
    assert_eq!(decoder.held_bytes(), 0);
}
