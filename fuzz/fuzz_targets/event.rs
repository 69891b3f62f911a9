//! A client's text as a frame, beside a reading of it by serde_json alone.
//!
//! `cargo +nightly fuzz run event -- -max_len=2048 -max_total_time=600`
//!
//! Checked: nothing panics; a text is an event exactly if it is JSON of two elements, the first one
//! of the names, and no deeper than the limit; the answer to any other is bounded.

#![no_main]

use jstack_runtime::prelude::*;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

#[derive(Clone, Debug, Events)]
enum Chat {
    Any(Value),
    Odd(Value),
}

const DEPTH: u32 = 16;

fn depth(value: &Value) -> u32 {
    match value {
        Value::Array(values) => 1 + values.iter().map(depth).max().unwrap_or(0),
        Value::Object(values) => 1 + values.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

fuzz_target!(|text: &str| {
    let found = jstack_runtime::fuzzing::event::<Chat>(text, DEPTH);
    let read = serde_json::from_str::<(String, Value)>(text);
    match (found, read) {
        (Some(""), _) => {}
        (Some(name), Ok((read, value))) => {
            assert_eq!(name, read);
            assert!(depth(&value) < DEPTH, "{}", depth(&value));
        }
        (Some(name), Err(error)) => panic!("{name} in what is no pair: {error}"),
        (None, Ok((name, value))) => {
            let known = name == "any" || name == "odd";
            assert!(!known || depth(&value) >= DEPTH, "{name} was refused: {value}");
        }
        (None, Err(_)) => {}
    }
});
