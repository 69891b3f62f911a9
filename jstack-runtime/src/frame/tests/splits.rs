//! Wherever the network cuts a stream, it means the same.

use super::*;

fn cut<'a>(stream: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for &at in cuts {
        pieces.push(&stream[from..at]);
        from = at;
    }
    pieces.push(&stream[from..]);
    pieces
}

/// One of everything: text with characters of each width, fragments with control frames between
/// them, empty frames, and a close frame.
fn mixed() -> (Vec<u8>, Vec<Owned>) {
    let stream = [
        frame(TEXT, "aß€😀".as_bytes()),
        frame(TEXT_BEGINS, "h€".as_bytes()),
        frame(PING, b"1"),
        frame(CONTINUES, b""),
        frame(ENDS, "😀".as_bytes()),
        frame(BINARY, b"\xff\x00"),
        frame(BINARY, b""),
        frame(PONG, b""),
        frame(CLOSE, b"\x03\xe8bye"),
    ]
    .concat();
    let messages = vec![
        text("aß€😀"),
        Owned::Ping(b"1".to_vec()),
        text("h€😀"),
        Owned::Binary(b"\xff\x00".to_vec()),
        Owned::Binary(Vec::new()),
        Owned::Pong(Vec::new()),
        Owned::Close(Some((1000, "bye".to_owned()))),
    ];
    (stream, messages)
}

#[test]
fn every_split_point_of_a_mixed_stream_gives_the_same_messages() {
    let (stream, messages) = mixed();
    for at in 0..=stream.len() {
        let outcome = feed(&mut Decoder::new(false), &NO_LIMITS, cut(&stream, &[at]));
        assert_eq!(outcome, IntoOutcome { messages: messages.clone(), error: None }, "cut at {at}");
    }
}

#[test]
fn every_pair_of_split_points_of_a_mixed_stream_gives_the_same_messages() {
    let (stream, messages) = mixed();
    let step = if cfg!(miri) { 19 } else { 1 };
    for first in (0..=stream.len()).step_by(step) {
        for second in (first..=stream.len()).step_by(step) {
            let outcome =
                feed(&mut Decoder::new(false), &NO_LIMITS, cut(&stream, &[first, second]));
            assert_eq!(outcome.messages, messages, "cut at {first} and {second}");
        }
    }
}

#[test]
fn every_split_point_of_each_length_encoding_gives_the_same_message() {
    let lengths: &[usize] = if cfg!(miri) { &[126] } else { &[125, 126, 300, 65_536] };
    for &length in lengths {
        let payload: Vec<u8> = (0..=250).cycle().take(length).collect();
        let stream = frame(BINARY, &payload);
        let near_the_ends = (0..=30).chain(stream.len() - 30..=stream.len());
        for at in near_the_ends {
            let outcome = feed(&mut Decoder::new(false), &NO_LIMITS, cut(&stream, &[at]));
            assert_eq!(outcome.messages, [Owned::Binary(payload.clone())], "cut at {at}");
        }
    }
}

#[test]
fn nothing_is_held_once_a_split_message_was_taken() {
    let (stream, _) = mixed();
    let stream = &stream[..stream.len() - frame(CLOSE, b"\x03\xe8bye").len()];
    let mut decoder = Decoder::new(false);
    for at in 1..stream.len() {
        feed(&mut decoder, &NO_LIMITS, cut(stream, &[at]));
        assert_eq!(decoder.held_bytes(), 0, "cut at {at}");
    }
}
