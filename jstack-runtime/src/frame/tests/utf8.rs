//! The table of UTF-8 cases that conformance suites use (Markus Kuhn's stress test), and how soon
//! bad text is noticed.

use super::*;

const VALID: &[&[u8]] = &[
    b"",
    b"Hello world!",
    "Hello-µ@ßöäüàá-UTF-8!!".as_bytes(),
    "κόσμε".as_bytes(),
    // First and last of each width.
    b"\x00",
    b"\xc2\x80",
    b"\xe0\xa0\x80",
    b"\xf0\x90\x80\x80",
    b"\x7f",
    b"\xdf\xbf",
    b"\xef\xbf\xbf",
    b"\xf4\x8f\xbf\xbf",
    // Around the surrogates, the replacement character, the last code point.
    b"\xed\x9f\xbf",
    b"\xee\x80\x80",
    b"\xef\xbf\xbd",
    // Non-characters are characters on the wire.
    b"\xef\xbf\xbe",
    b"\xef\xb7\x90",
    b"\xf0\x9f\xbf\xbe",
    b"\xf0\x9f\xbf\xbf",
    b"\xf0\xaf\xbf\xbe",
    b"\xf3\xbf\xbf\xbf",
    b"\xf4\x8f\xbf\xbe",
    // Specials.
    b"\xef\xbf\xb9\xef\xbf\xba\xef\xbf\xbb\xef\xbf\xbc",
];

/// Bytes that are wrong, and at which of them (counted from 1) that is certain; 0: only at the
/// end of the message, because a character is missing its rest.
const INVALID: &[(&[u8], usize)] = &[
    // A surrogate in the middle of good text.
    (b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited", 13),
    // Beyond the last code point.
    (b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80edited", 13),
    (b"\xf4\x90\x80\x80", 2),
    (b"\xf7\xbf\xbf\xbf", 1),
    // Five and six bytes: no longer UTF-8.
    (b"\xf8\x88\x80\x80\x80", 1),
    (b"\xfb\xbf\xbf\xbf\xbf", 1),
    (b"\xfc\x84\x80\x80\x80\x80", 1),
    (b"\xfd\xbf\xbf\xbf\xbf\xbf", 1),
    // Continuation bytes without a start.
    (b"\x80", 1),
    (b"\xbf", 1),
    (b"\x80\xbf\x80\xbf\x80\xbf", 1),
    (b"a\x80", 2),
    // Starts without continuation.
    (b"\xc2 ", 2),
    (b"\xdf \xde ", 2),
    (b"\xe0 ", 2),
    (b"\xef\xbf ", 3),
    (b"\xf0 ", 2),
    (b"\xf4\x8f ", 3),
    (b"\xf4\x8f\xbf ", 4),
    (b"\xf8 ", 1),
    // The last byte is missing.
    (b"\xc2", 0),
    (b"\xdf", 0),
    (b"\xe0\xa0", 0),
    (b"\xef\xbf", 0),
    (b"\xf0\x90\x80", 0),
    (b"\xf4\x8f\xbf", 0),
    (b"\xce\xba\xe1\xbd", 0),
    (b"\xce\xba\xe1", 0),
    (b"\xce", 0),
    (b"\xe0\x80", 2),
    (b"\xf0\x80\x80", 2),
    // Impossible bytes.
    (b"\xfe", 1),
    (b"\xff", 1),
    (b"\xfe\xfe\xff\xff", 1),
    // Overlong forms: of "/", of the last code point of the next shorter width, of NUL.
    (b"\xc0\xaf", 1),
    (b"\xe0\x80\xaf", 2),
    (b"\xf0\x80\x80\xaf", 2),
    (b"\xc1\xbf", 1),
    (b"\xe0\x9f\xbf", 2),
    (b"\xf0\x8f\xbf\xbf", 2),
    (b"\xc0\x80", 1),
    (b"\xe0\x80\x80", 2),
    (b"\xf0\x80\x80\x80", 2),
    // Surrogates, alone and in pairs.
    (b"\xed\xa0\x80", 2),
    (b"\xed\xad\xbf", 2),
    (b"\xed\xae\x80", 2),
    (b"\xed\xaf\xbf", 2),
    (b"\xed\xb0\x80", 2),
    (b"\xed\xbe\x80", 2),
    (b"\xed\xbf\xbf", 2),
    (b"\xed\xa0\x80\xed\xb0\x80", 2),
    (b"\xed\xad\xbf\xed\xbf\xbf", 2),
];

/// The invalid cases; a part of them where every byte costs a hundred times more.
fn invalid() -> impl Iterator<Item = &'static (&'static [u8], usize)> {
    INVALID.iter().step_by(if cfg!(miri) { 6 } else { 1 })
}

/// A text message of one frame a byte, with an empty frame at the end.
fn one_fragment_a_byte(payload: &[u8]) -> Vec<u8> {
    let mut stream = frame(TEXT_BEGINS, &payload[..payload.len().min(1)]);
    for byte in payload.iter().skip(1) {
        stream.extend(frame(CONTINUES, &[*byte]));
    }
    stream.extend(frame(ENDS, b""));
    stream
}

#[test]
fn valid_text_arrives_whole_split_and_in_fragments() {
    for payload in VALID.iter().step_by(if cfg!(miri) { 6 } else { 1 }) {
        let expected = [text(std::str::from_utf8(payload).unwrap())];
        assert_messages(&frame(TEXT, payload), &expected);
        assert_messages(&one_fragment_a_byte(payload), &expected);
        for at in 0..=payload.len() {
            let (first, second) = payload.split_at(at);
            let stream = [frame(TEXT_BEGINS, first), frame(ENDS, second)].concat();
            assert_messages(&stream, &expected);
        }
    }
}

#[test]
fn invalid_text_is_refused_whole_split_and_in_fragments() {
    for (payload, _) in invalid() {
        assert_fails(&frame(TEXT, payload), 1007);
        assert_fails(&one_fragment_a_byte(payload), 1007);
        for at in 0..=payload.len() {
            let (first, second) = payload.split_at(at);
            assert_fails(&[frame(TEXT_BEGINS, first), frame(ENDS, second)].concat(), 1007);
        }
    }
}

#[test]
fn invalid_text_fails_at_the_byte_that_proves_it_inside_an_unfinished_frame() {
    for &(payload, certain) in invalid() {
        // More of the frame is to come, so only what is certain may fail.
        let mut declared = payload.to_vec();
        declared.extend([b'.'; 5]);
        let stream = frame(TEXT, &declared);
        let header = stream.len() - declared.len();
        for received in 0..=payload.len() {
            let error = outcome(&stream[..header + received]).error;
            let expected = (certain != 0 && received >= certain).then_some(1007);
            assert_eq!(error, expected, "{received} bytes of {payload:x?}");
        }
    }
}

#[test]
fn invalid_text_fails_at_the_byte_that_proves_it_in_unfinished_fragments() {
    for &(payload, certain) in invalid() {
        for received in 1..=payload.len() {
            let mut stream = frame(TEXT_BEGINS, &payload[..1]);
            for byte in &payload[1..received] {
                stream.extend(frame(CONTINUES, &[*byte]));
            }
            let expected = (certain != 0 && received >= certain).then_some(1007);
            assert_eq!(outcome(&stream).error, expected, "{received} bytes of {payload:x?}");
        }
    }
}

#[test]
fn lonely_bytes_of_every_value_are_text_only_below_128() {
    for byte in 0..=u8::MAX {
        let error = outcome(&frame(TEXT, &[byte])).error;
        assert_eq!(error, if byte < 0x80 { None } else { Some(1007) }, "{byte:#04x}");
    }
}

#[test]
fn every_code_point_survives_a_cut_inside_it() {
    let step = if cfg!(miri) { 40_009 } else { 7 };
    for character in ('\0'..=char::MAX).step_by(step) {
        let mut bytes = [0; 4];
        let bytes = character.encode_utf8(&mut bytes).as_bytes();
        for at in 1..bytes.len() {
            let mut buffer = super::super::utf8::Utf8Buffer::default();
            buffer.push(&bytes[..at]).unwrap();
            assert!(buffer.finish().is_err(), "{character:?} is not whole after {at} bytes");
            buffer.push(&bytes[at..]).unwrap();
            buffer.finish().unwrap();
            assert_eq!(buffer.as_str().chars().collect::<Vec<_>>(), [character]);
        }
    }
}

#[test]
fn binary_messages_may_hold_anything() {
    for (payload, _) in invalid() {
        assert_messages(&frame(BINARY, payload), &[Owned::Binary(payload.to_vec())]);
    }
}
