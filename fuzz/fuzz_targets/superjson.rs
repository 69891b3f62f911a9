//! The superjson reader, whose marks lead into the value by paths of the sender's choice.
//!
//! `cargo +nightly fuzz run superjson -- -max_len=4096 -max_total_time=600`
//!
//! Checked: nothing panics; what is read is JSON again; marks are never deeper than the value.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| jstack_runtime::fuzzing::superjson(data));
