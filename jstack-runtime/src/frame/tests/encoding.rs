//! What is sent, byte for byte, and read back as a client would.

use super::*;
use crate::frame::{HEADROOM, Opcode, close, control, write_header};

/// The frame that is sent for a payload.
fn sent(opcode: Opcode, payload: &[u8], rsv1: bool) -> Vec<u8> {
    let mut buffer = vec![0xEE; HEADROOM];
    buffer.extend_from_slice(payload);
    let start = write_header(&mut buffer, opcode, rsv1);
    assert!(buffer[..start].iter().all(|byte| *byte == 0xEE), "bytes before the frame are used");
    buffer[start..].to_vec()
}

#[test]
fn headers_are_the_shortest_for_each_length() {
    for (length, header) in [
        (0, &[0x81, 0][..]),
        (1, &[0x81, 1]),
        (125, &[0x81, 125]),
        (126, &[0x81, 126, 0, 126]),
        (65_535, &[0x81, 126, 255, 255]),
        (65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ] {
        let payload = vec![b'x'; length];
        assert_eq!(sent(Opcode::Text, &payload, false), [header, &payload].concat());
    }
}

#[test]
fn the_first_byte_says_opcode_fin_and_rsv1() {
    assert_eq!(sent(Opcode::Binary, b"", false), [0x82, 0]);
    assert_eq!(sent(Opcode::Text, b"", true), [0xC1, 0]);
}

#[test]
fn control_frames_carry_their_payload() {
    assert_eq!(*control(Opcode::Ping, b""), [0x89, 0]);
    assert_eq!(*control(Opcode::Pong, b"abc"), [0x8A, 3, b'a', b'b', b'c']);
    assert_eq!(control(Opcode::Pong, &[1; 125]).len(), 127);
}

#[test]
fn a_control_payload_that_is_too_long_is_cut() {
    let frame = control(Opcode::Ping, &[1; 200]);
    assert_eq!((frame.len(), frame[1]), (127, 125));
}

#[test]
fn close_frames_carry_code_and_reason() {
    assert_eq!(*close(1000, ""), [0x88, 2, 0x03, 0xE8]);
    assert_eq!(*close(4001, "no"), [0x88, 4, 0x0F, 0xA1, b'n', b'o']);
}

#[test]
fn codes_that_must_not_be_sent_make_an_empty_close_frame() {
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, u16::MAX] {
        assert_eq!(*close(code, "secret"), [0x88, 0], "{code}");
    }
}

#[test]
fn long_reasons_are_cut_before_a_character() {
    for (reason, kept) in [
        ("x".repeat(123), 123),
        ("x".repeat(124), 123),
        ("x".repeat(122) + "ß", 122),
        ("x".repeat(121) + "ß", 123),
        ("😀".repeat(40), 120),
    ] {
        let frame = close(1000, &reason);
        assert_eq!(frame.len(), 4 + kept);
        assert_eq!(std::str::from_utf8(&frame[4..]).unwrap(), &reason[..kept]);
    }
}

#[test]
fn control_characters_do_not_pass_in_a_reason() {
    let frame = close(1000, "a\r\nset-cookie: b\0\u{1b}[31m\u{85}c\t");
    assert_eq!(&frame[4..], b"aset-cookie: b[31mc");
}

#[test]
fn every_reason_of_an_error_fits_a_close_frame_unchanged() {
    for first in 0..=u8::MAX {
        if let Err(error) = Decoder::new(false).decode(&mut [first, 0], &NO_LIMITS) {
            assert_eq!(&close(error.code, error.reason)[4..], error.reason.as_bytes());
        }
    }
}
