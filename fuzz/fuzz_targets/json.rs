//! Whatever is written as JSON is what `serde_json` writes, byte for byte.
//!
//! `cargo +nightly fuzz run json`

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    check(&*text);
    // The same in pieces, so that escapes are at every place of a word, and as keys.
    let (first, length) = (bytes.first().copied().unwrap_or(0), bytes.len());
    let pieces: Vec<_> = bytes.chunks(usize::from(first).clamp(1, length.max(1))).collect();
    let pieces: Vec<_> = pieces.into_iter().map(String::from_utf8_lossy).collect();
    check(&pieces.iter().map(|piece| (piece, Some(piece.len()))).collect::<BTreeMap<_, _>>());
    check(&pieces);
    if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        check(&value);
    }
});

#[track_caller]
fn check<T: serde::Serialize + ?Sized>(value: &T) {
    let ours = jstack_runtime::fuzzing::json(value).map_err(|error| error.to_string());
    let theirs = serde_json::to_vec(value).map_err(|error| error.to_string());
    assert_eq!(ours, theirs);
}
