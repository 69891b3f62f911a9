//! Whatever is written as JSON is what `serde_json` writes, byte for byte; whatever is read is what it reads.
//!
//! `cargo +nightly fuzz run json`

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Number, Value};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    check(&*text);
    read::<Value>(&text);
    read::<Vec<Either>>(&text);
    read::<Either>(&text);
    read::<BTreeMap<String, Option<i64>>>(&text);
    read::<(String, f64, Option<char>)>(&text);
    read::<Vec<Number>>(&text);
    read::<Map<String, Value>>(&text);
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

/// What derives ask a reader for.
#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
enum Either {
    None,
    One(Box<Either>),
    Pair(u8, i64),
    Named { room_id: String, #[serde(default)] n: Option<u32>, m: Any },
}

#[derive(Debug, PartialEq, serde::Deserialize)]
#[serde(untagged)]
enum Any {
    Number(i16),
    Float(f64),
    Text(String),
    Either(Box<Either>),
}

/// What is read is what `serde_json` reads, and nothing that it refuses.
#[track_caller]
fn read<T: serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(text: &str) {
    if let Some(ours) = jstack_runtime::fuzzing::read_json::<T>(text) {
        assert_eq!(Some(ours), serde_json::from_str(text).ok());
    }
}

#[track_caller]
fn check<T: serde::Serialize + ?Sized>(value: &T) {
    let ours = jstack_runtime::fuzzing::json(value).map_err(|error| error.to_string());
    let theirs = serde_json::to_vec(value).map_err(|error| error.to_string());
    assert_eq!(ours, theirs);
}
