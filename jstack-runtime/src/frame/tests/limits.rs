//! Nothing a header promises costs memory, and nothing grows past its limit.

use super::*;

const SMALL: DecoderConfig = DecoderConfig { max_message: 10, max_fragments: 3 };

#[test]
fn a_message_of_exactly_the_limit_passes_and_one_more_byte_does_not() {
    assert_eq!(outcome_with(&SMALL, &frame(TEXT, b"0123456789")).messages, [text("0123456789")]);
    assert_eq!(outcome_with(&SMALL, &frame(TEXT, b"0123456789a")).error, Some(1009));
}

#[test]
fn the_sum_of_the_fragments_is_limited() {
    let fits = [frame(TEXT_BEGINS, b"01234"), frame(ENDS, b"56789")].concat();
    assert_eq!(outcome_with(&SMALL, &fits).messages, [text("0123456789")]);
    let beyond = [frame(TEXT_BEGINS, b"01234"), frame(ENDS, b"56789a")].concat();
    assert_eq!(outcome_with(&SMALL, &beyond).error, Some(1009));
}

#[test]
fn a_limit_is_applied_at_the_header_before_any_payload() {
    assert_eq!(outcome_with(&SMALL, &header(BINARY, 11)).error, Some(1009));
    let second = [frame(BINARY_BEGINS, b"0123456789"), header(CONTINUES, 1)].concat();
    assert_eq!(outcome_with(&SMALL, &second).error, Some(1009));
}

#[test]
fn control_frames_pass_whatever_the_message_limit() {
    let limits = DecoderConfig { max_message: 0, max_fragments: 0 };
    let payload = [7; 125];
    let expected = [Owned::Ping(payload.to_vec())];
    assert_eq!(outcome_with(&limits, &frame(PING, &payload)).messages, expected);
    assert_eq!(outcome_with(&limits, &frame(TEXT, b"")).messages, [text("")]);
}

#[test]
fn the_longest_length_there_is_ends_with_1009_and_holds_nothing() {
    for length in [(1 << 63) - 1, 1 << 40, 65_537] {
        for first in [TEXT, BINARY, TEXT_BEGINS] {
            let mut decoder = Decoder::new(false);
            let stream = header(first, length);
            let outcome = feed(&mut decoder, &DecoderConfig::default(), [&stream[..]]);
            assert_eq!(outcome.error, Some(1009));
            assert_eq!(decoder.held_bytes(), 0);
        }
    }
}

#[test]
fn without_a_limit_a_declared_length_still_reserves_nothing() {
    for first in [TEXT, BINARY] {
        let mut decoder = Decoder::new(false);
        let mut stream = header(first, (1 << 63) - 1);
        stream.extend([b'x'; 100]);
        assert_eq!(feed(&mut decoder, &NO_LIMITS, [&stream[..]]).error, None);
        assert!(decoder.held_bytes() < 1024, "{} bytes", decoder.held_bytes());
    }
}

#[test]
fn what_is_held_grows_with_what_arrived() {
    let mut decoder = Decoder::new(false);
    let total = if cfg!(miri) { 300 } else { 50_000 };
    feed(&mut decoder, &NO_LIMITS, [&header(BINARY, total)[..]]);
    for received in 1..total {
        feed(&mut decoder, &NO_LIMITS, [&[0][..]]);
        let held = u64::try_from(decoder.held_bytes()).unwrap();
        assert!(held <= 2 * received + 512, "{held} bytes held after {received}");
    }
}

#[test]
fn fragments_beyond_the_limit_end_with_1008() {
    let fits = [frame(BINARY_BEGINS, b"a"), frame(CONTINUES, b"b"), frame(ENDS, b"c")].concat();
    assert_eq!(outcome_with(&SMALL, &fits).messages, [Owned::Binary(b"abc".to_vec())]);
    for fourth in [CONTINUES, ENDS] {
        let beyond = [
            frame(BINARY_BEGINS, b"a"),
            frame(CONTINUES, b""),
            frame(CONTINUES, b""),
            header(fourth, 0),
        ]
        .concat();
        assert_eq!(outcome_with(&SMALL, &beyond).error, Some(1008));
    }
}

#[test]
fn the_fragment_count_begins_anew_with_each_message() {
    let message = [frame(TEXT_BEGINS, b""), frame(CONTINUES, b""), frame(ENDS, b"")].concat();
    let outcome = outcome_with(&SMALL, &message.repeat(20));
    assert_eq!((outcome.messages.len(), outcome.error), (20, None));
}

#[test]
fn a_million_empty_continuations_end_at_the_129th_fragment() {
    let count = if cfg!(miri) { 200 } else { 1_000_000 };
    let mut stream = frame(TEXT_BEGINS, b"");
    stream.extend(frame(CONTINUES, b"").repeat(count));
    let frames = frame(CONTINUES, b"").len();
    let mut decoder = Decoder::new(false);
    let limits = DecoderConfig::default();
    let (passing, rest) = stream.split_at(128 * frames);
    assert_eq!(feed(&mut decoder, &limits, [passing]).error, None);
    assert_eq!(feed(&mut decoder, &limits, [rest]).error, Some(1008));
}

#[test]
fn a_million_empty_continuations_without_a_limit_hold_no_memory() {
    let count = if cfg!(miri) { 200 } else { 1_000_000 };
    let mut decoder = Decoder::new(false);
    feed(&mut decoder, &NO_LIMITS, [&frame(TEXT_BEGINS, b"")[..]]);
    let stream = frame(CONTINUES, b"").repeat(count);
    assert_eq!(feed(&mut decoder, &NO_LIMITS, [&stream[..]]).error, None);
    assert!(decoder.held_bytes() < 1024, "{} bytes", decoder.held_bytes());
}
