//! Random streams, mostly right and a little wrong, in random pieces: ours against the naive one.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Text that is sometimes cut, sometimes wrong, mostly fine.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => "[a-zß€😀]{0,12}".prop_map(String::into_bytes),
        2 => vec(any::<u8>(), 0..8),
        2 => ("[€😀]{1,3}", 0..4_usize).prop_map(|(text, cut)| {
            let bytes = text.into_bytes();
            bytes[..bytes.len() - cut.min(bytes.len())].to_vec()
        }),
        1 => vec(any::<u8>(), 120..300),
        1 => (prop_oneof![Just(1000_u16), 990..1020_u16, any::<u16>()], "[a-z]{0,3}")
            .prop_map(|(code, reason)| [&code.to_be_bytes()[..], reason.as_bytes()].concat()),
    ]
}

fn one_frame() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => prop::sample::select(vec![TEXT, BINARY, TEXT_BEGINS, CONTINUES, CONTINUES, ENDS, PING, PONG]),
        1 => Just(CLOSE),
        1 => any::<u8>(),
    ];
    prop_oneof![
        12 => (first, payload(), any::<[u8; 4]>()).prop_map(|(first, payload, key)| {
            let mut bytes = header(first, payload.len() as u64);
            let at = bytes.len() - 4;
            bytes[at..].copy_from_slice(&key);
            bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
            bytes
        }),
        1 => (any::<u8>(), any::<u64>()).prop_map(|(first, length)| header(first, length)),
        1 => vec(any::<u8>(), 0..16),
    ]
}

/// A message in fragments with pings between them, so that long ones are not left to chance.
fn fragmented() -> impl Strategy<Value = Vec<u8>> {
    (any::<bool>(), vec((payload(), any::<bool>()), 1..6)).prop_map(|(text, parts)| {
        let mut stream = Vec::new();
        let last = parts.len() - 1;
        for (i, (part, ping)) in parts.iter().enumerate() {
            let opcode = match (i, text) {
                (0, true) => TEXT_BEGINS,
                (0, false) => BINARY_BEGINS,
                _ => CONTINUES,
            };
            stream.extend(frame(opcode | if i == last { 0x80 } else { 0 }, part));
            if *ping {
                stream.extend(frame(PING, b"?"));
            }
        }
        stream
    })
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![3 => one_frame(), 2 => fragmented()], 0..8).prop_map(|frames| frames.concat())
}

fn config() -> ProptestConfig {
    let cases = if cfg!(miri) { 8 } else { 2_000 };
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn random_streams_in_random_pieces_mean_what_the_naive_decoder_says(
        stream in stream(),
        cuts in vec(any::<prop::sample::Index>(), 0..12),
        max_message in prop_oneof![Just(usize::MAX), 0..400_usize],
        max_fragments in prop_oneof![Just(128_u32), 0..5_u32],
    ) {
        let limits = DecoderConfig { max_message, max_fragments };
        let expected = reference::decode(&stream, &limits);

        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for at in cuts.into_iter().chain([stream.len()]) {
            pieces.push(&stream[from..at]);
            from = at;
        }
        prop_assert_eq!(&feed(&mut Decoder::new(false), &limits, pieces), &expected);
        prop_assert_eq!(&outcome_with(&limits, &stream), &expected);
    }

    #[test]
    fn random_bytes_never_panic_with_deflate_on(
        mut stream in stream(),
        flips in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
    ) {
        for (at, byte) in flips {
            if let Some(place) = stream.get_mut(at.index(usize::MAX) % 64) {
                *place = byte;
            }
        }
        let limits = DecoderConfig::default();
        let whole = feed(&mut Decoder::new(true), &limits, [&stream[..]]);
        let bytes = feed(&mut Decoder::new(true), &limits, stream.chunks(1));
        prop_assert_eq!(whole, bytes);
    }
}
