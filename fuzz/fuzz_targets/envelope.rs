//! Whatever comes from Redis, one message or a batch: it is refused, or what it hands to clients
//! is `["event",data]`.
//!
//! `cargo +nightly fuzz run envelope`

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check(bytes);
    // Nearly no random bytes are a batch, so what they would be in one is looked at too: each of
    // their pieces, the first of which says how long they are.
    let Some((&length, rest)) = bytes.split_first() else { return };
    let pieces: Vec<_> = rest.chunks(usize::from(length).max(1)).take(5).collect();
    let mut batch = vec![2, 0, pieces.len() as u8];
    for piece in &pieces {
        batch.extend((piece.len() as u32).to_be_bytes());
        batch.extend(*piece);
    }
    if let Some(messages) = check(&batch) {
        assert_eq!(messages, pieces.len());
    }
});

/// How many messages it is; `None` if it is refused.
fn check(bytes: &[u8]) -> Option<usize> {
    let mut messages = 0;
    for json in jstack_runtime::fuzzing::envelopes(bytes)? {
        messages += 1;
        // By the generic way, which shares nothing with the decoder's own check.
        let value: serde_json::Value = match serde_json::from_slice(json) {
            Ok(value) => value,
            // Deeper than the generic parser goes is deep, not wrong; so are numbers beyond f64.
            Err(error) if error.to_string().contains("recursion") || error.to_string().contains("number out of range") => continue,
            Err(error) => panic!("{error}: {:?}", String::from_utf8_lossy(json)),
        };
        let event = value.as_array().filter(|array| array.len() == 2).and_then(|array| array[0].as_str());
        let event = event.expect("two elements, the first a name");
        assert!(!event.starts_with('$') && !matches!(event, "onConnect" | "onDisconnect" | "onError"));
    }
    Some(messages)
}
