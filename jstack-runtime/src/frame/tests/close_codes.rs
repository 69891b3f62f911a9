//! Close frames: which codes and reasons may come.

use super::*;

fn closing(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(CLOSE, &[&code.to_be_bytes()[..], reason].concat())
}

#[test]
fn every_close_code_is_taken_or_refused_as_the_registry_says() {
    let codes: Vec<u16> = if cfg!(miri) {
        vec![0, 999, 1000, 1003, 1004, 1005, 1006, 1007, 1014, 1015, 2999, 3000, 4999, 5000, 65535]
    } else {
        (0..=u16::MAX).collect()
    };
    for code in codes {
        let taken = match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => true,
            // Not assigned; no code; dropped; TLS failed; out of range.
            _ => false,
        };
        let outcome = feed(&mut Decoder::new(false), &NO_LIMITS, [&closing(code, b"")[..]]);
        let expected = if taken {
            IntoOutcome { messages: vec![Owned::Close(Some((code, String::new())))], error: None }
        } else {
            IntoOutcome { messages: Vec::new(), error: Some(1002) }
        };
        assert_eq!(outcome, expected, "{code}");
    }
}

#[test]
fn an_empty_close_frame_has_neither_code_nor_reason() {
    assert_messages(&frame(CLOSE, b""), &[Owned::Close(None)]);
}

#[test]
fn a_close_frame_of_one_byte_is_refused() {
    assert_fails(&frame(CLOSE, b"\x03"), 1002);
}

#[test]
fn a_close_reason_of_123_bytes_is_taken_and_one_more_is_not_a_control_frame() {
    let reason = "x".repeat(123);
    let expected = Owned::Close(Some((1000, reason.clone())));
    assert_messages(&closing(1000, reason.as_bytes()), &[expected]);
    assert_fails(&closing(1000, "x".repeat(124).as_bytes()), 1002);
}

#[test]
fn a_close_reason_must_be_utf8() {
    assert_fails(&closing(1000, b"\xce\xba\xed\xa0\x80"), 1007);
    assert_fails(&closing(1000, b"\xe2\x82"), 1007);
    assert_messages(
        &closing(4000, "κόσμε".as_bytes()),
        &[Owned::Close(Some((4000, "κόσμε".to_owned())))],
    );
}

#[test]
fn a_bad_code_is_reported_before_a_bad_reason() {
    assert_fails(&closing(1005, b"\xff"), 1002);
}

#[test]
fn a_close_frame_may_come_inside_a_message() {
    let stream = [frame(TEXT_BEGINS, b"never ended"), closing(1001, b"")].concat();
    assert_messages(&stream, &[Owned::Close(Some((1001, String::new())))]);
}
