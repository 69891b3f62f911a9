//! Compressed messages: examples of RFC 7692, round trips, bombs.

use flate2::{Compress, Compression, FlushCompress};

use super::*;
use crate::frame::deflate::{compress, inflate};

const COMPRESSED_TEXT: u8 = 0xC1;
const COMPRESSED_BINARY: u8 = 0xC2;
const COMPRESSED_TEXT_BEGINS: u8 = 0x41;

fn compressed_outcome(limits: &DecoderConfig, stream: &[u8]) -> IntoOutcome {
    let whole = feed(&mut Decoder::new(true), limits, [stream]);
    let bytes = feed(&mut Decoder::new(true), limits, stream.chunks(1));
    assert_eq!(whole, bytes, "the stream means something else byte by byte");
    whole
}

/// A message as a client's zlib would write it, whatever its length comes to.
fn deflated(payload: &[u8], level: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 * payload.len() + 100);
    let mut state = Compress::new(Compression::new(level), false);
    state.compress_vec(payload, &mut out, FlushCompress::Sync).unwrap();
    assert!(out.ends_with(&[0, 0, 0xFF, 0xFF]));
    out.truncate(out.len() - 4);
    out
}

#[test]
fn the_examples_of_the_rfc_are_read() {
    for payload in [
        // One block; no compression; BFINAL set; two blocks.
        &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00][..],
        &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
        &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        &[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00],
    ] {
        let whole = frame(COMPRESSED_TEXT, payload);
        assert_eq!(compressed_outcome(&NO_LIMITS, &whole).messages, [text("Hello")]);
        for at in 0..=payload.len() {
            let (first, second) = payload.split_at(at);
            let stream = [
                frame(COMPRESSED_TEXT_BEGINS, first),
                frame(PING, b"between"),
                frame(ENDS, second),
            ]
            .concat();
            let messages = compressed_outcome(&NO_LIMITS, &stream).messages;
            assert_eq!(messages, [Owned::Ping(b"between".to_vec()), text("Hello")]);
        }
    }
}

#[test]
fn an_empty_message_is_one_zero_byte_or_none() {
    assert_eq!(inflate(&[0], 0), Ok(Vec::new()));
    assert_eq!(inflate(&[], 0), Ok(Vec::new()));
}

#[test]
fn messages_come_back_at_every_level_and_size() {
    let sizes: &[usize] = if cfg!(miri) { &[1, 300] } else { &[1, 100, 1_024, 70_000, 1_000_000] };
    for &size in sizes {
        let mut seed = 1_u32;
        let noise = std::iter::repeat_with(|| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        });
        let payloads: [Vec<u8>; 3] = [
            vec![b'a'; size],
            noise.take(size).collect(),
            b"[\"message\",{\"text\":\"hello\"}]".iter().copied().cycle().take(size).collect(),
        ];
        for payload in payloads {
            for level in [0, 1, 6, 9] {
                let message = deflated(&payload, level);
                assert!(inflate(&message, size).as_ref() == Ok(&payload), "level {level}");
                assert_eq!(inflate(&message, size - 1).unwrap_err().code, 1009);
            }
        }
    }
}

#[test]
fn what_we_compress_is_shorter_and_comes_back() {
    let payload = br#"["message",{"text":"hello","from":"someone"}]"#.repeat(20);
    let mut out = b"kept".to_vec();
    assert!(compress(&payload, &mut out));
    assert!(out.len() < payload.len() / 2);
    assert_eq!(inflate(&out[4..], payload.len()), Ok(payload.clone()));
    // The same again: no context is kept from message to message.
    let mut again = Vec::new();
    assert!(compress(&payload, &mut again));
    assert_eq!(again, out[4..]);
}

#[test]
fn what_would_not_become_shorter_is_left_alone() {
    for payload in [&b""[..], b"a", b"short", b"\x01\x77\x93\xfe\x10\xa8\xc4\x03\x99\x5b\xd7\x2c"] {
        let mut out = b"kept".to_vec();
        assert!(!compress(payload, &mut out));
        assert_eq!(out, b"kept");
    }
}

#[test]
fn a_bomb_ends_at_the_limit() {
    let size = if cfg!(miri) { 20_000 } else { 64 * 1024 * 1024 };
    let bomb = deflated(&vec![0; size], 9);
    let limits = DecoderConfig { max_message: size / 4, max_fragments: 1 };
    assert!(bomb.len() < limits.max_message, "the compressed bytes pass the header's check");
    let mut decoder = Decoder::new(true);
    let outcome = feed(&mut decoder, &limits, [&frame(COMPRESSED_BINARY, &bomb)[..]]);
    assert_eq!((outcome.messages.len(), outcome.error), (0, Some(1009)));
    assert!(decoder.held_bytes() < 2 * bomb.len() + 1024);
}

#[test]
fn many_streams_in_one_message_are_counted_together() {
    // "Hello" ten times, each a stream of its own (BFINAL).
    let message = [0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00].repeat(10);
    assert_eq!(inflate(&message, 50), Ok(b"Hello".repeat(10)));
    assert_eq!(inflate(&message, 49).unwrap_err().code, 1009);
}

#[test]
fn the_compressed_length_is_limited_at_the_header() {
    let limits = DecoderConfig { max_message: 100, max_fragments: 1 };
    let outcome = compressed_outcome(&limits, &header(COMPRESSED_BINARY, 101));
    assert_eq!(outcome.error, Some(1009));
}

#[test]
fn corrupt_messages_are_refused_and_spoil_nothing() {
    for message in [&[0xFF, 0xFF, 0xFF][..], &[0x07], &[0x00, 0x05, 0x00, 0x00, 0x00, b'x']] {
        let outcome = compressed_outcome(&NO_LIMITS, &frame(COMPRESSED_BINARY, message));
        assert_eq!(outcome.error, Some(1007), "{message:x?}");
        // The state that met it is pooled, and clean.
        assert_eq!(inflate(&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], 5), Ok(b"Hello".to_vec()));
    }
}

#[test]
fn a_reference_to_another_message_is_refused() {
    // The second message of RFC 7692 7.2.3.2, which leans on the first one's window.
    let stream = [
        frame(COMPRESSED_TEXT, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]),
        frame(COMPRESSED_TEXT, &[0xf2, 0x00, 0x11, 0x00, 0x00]),
    ]
    .concat();
    let outcome = compressed_outcome(&NO_LIMITS, &stream);
    assert_eq!(outcome, IntoOutcome { messages: vec![text("Hello")], error: Some(1007) });
}

#[test]
fn inflated_text_must_be_utf8() {
    let stream = frame(COMPRESSED_TEXT, &deflated(b"caf\xe9", 6));
    assert_eq!(compressed_outcome(&NO_LIMITS, &stream).error, Some(1007));
    let stream = frame(COMPRESSED_BINARY, &deflated(b"caf\xe9", 6));
    assert_eq!(
        compressed_outcome(&NO_LIMITS, &stream).messages,
        [Owned::Binary(b"caf\xe9".to_vec())]
    );
}

#[test]
fn plain_messages_pass_beside_compressed_ones() {
    let stream = [
        frame(TEXT, b"plain"),
        frame(COMPRESSED_TEXT, &deflated(b"compressed", 6)),
        frame(TEXT_BEGINS, b"frag"),
        frame(ENDS, b"ments"),
    ]
    .concat();
    let expected = [text("plain"), text("compressed"), text("fragments")];
    assert_eq!(compressed_outcome(&NO_LIMITS, &stream).messages, expected);
}

#[test]
fn nothing_is_held_after_a_compressed_message() {
    let mut decoder = Decoder::new(true);
    let stream = frame(COMPRESSED_TEXT, &deflated(b"compressed", 6));
    assert_eq!(feed(&mut decoder, &NO_LIMITS, [&stream[..]]).messages.len(), 1);
    assert_eq!(decoder.held_bytes(), 0);
}
