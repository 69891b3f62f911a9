//! Whatever comes from Redis: it is refused, or what it hands to clients is `["event",data]`.
//!
//! `cargo +nightly fuzz run envelope`

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some(json) = jstack_runtime::fuzzing::envelope(bytes) {
        // By the generic way, which shares nothing with the decoder's own check.
        let value: serde_json::Value = match serde_json::from_slice(json) {
            Ok(value) => value,
            // Deeper than the generic parser goes is deep, not wrong; so are numbers beyond f64.
            Err(error) if error.to_string().contains("recursion") || error.to_string().contains("number out of range") => return,
            Err(error) => panic!("{error}: {:?}", String::from_utf8_lossy(json)),
        };
        let event = value.as_array().filter(|array| array.len() == 2).and_then(|array| array[0].as_str());
        let event = event.expect("two elements, the first a name");
        assert!(!event.starts_with('$') && !matches!(event, "onConnect" | "onDisconnect" | "onError"));
    }
});
