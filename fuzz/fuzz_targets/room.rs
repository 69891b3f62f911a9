//! Names of rooms, beside the rule of the wire's contract.
//!
//! `cargo +nightly fuzz run room -- -max_len=512 -max_total_time=120`

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|name: &str| {
    let rule = (1..=200).contains(&name.len()) && !name.chars().any(char::is_control);
    assert_eq!(jstack_runtime::fuzzing::room(name), rule, "{name:?}");
});
