//! The head of an upgrade: handshake, origin, and who the client is behind a proxy.
//!
//! `cargo +nightly fuzz run upgrade -- -max_len=4096 -max_total_time=600`
//!
//! Checked: nothing panics; what is allowed has one origin, which stands in the list letter by
//! letter but for case and the default port, or below a wildcard's dot; none with `null`.

#![no_main]

use std::sync::LazyLock;

use jstack_runtime::Origins;
use libfuzzer_sys::fuzz_target;

static ORIGINS: LazyLock<Origins> = LazyLock::new(|| {
    Origins::list(["https://app.example.com", "https://*.example.org"]).expect("a list")
});

fuzz_target!(|data: &[u8]| {
    let Some((flags, lines)) = data.split_first() else { return };
    let judged = jstack_runtime::fuzzing::upgrade(lines, flags & 1 == 1, &ORIGINS);
    let lower = String::from_utf8_lossy(lines).to_ascii_lowercase();
    let origins: Vec<_> = lower
        .split('\n')
        .take(100)
        .filter_map(|line| line.strip_prefix("origin:"))
        // Not `str::trim`: a vertical tab is not a space in HTTP, and such a header cannot be built.
        .map(|value| value.trim_matches(|c: char| c.is_ascii_whitespace()))
        .filter(|value| value.bytes().all(|byte| byte == b'\t' || (b' '..0x7f).contains(&byte)))
        .collect();
    if let (true, [origin]) = (judged.origin, &origins[..]) {
        let origin = origin.strip_suffix(":443").unwrap_or(origin);
        let below = origin.strip_prefix("https://").and_then(|host| host.strip_suffix(".example.org"));
        assert!(origin == "https://app.example.com" || below.is_some_and(|b| !b.is_empty()), "{origin}");
    }
    assert!(!judged.origin || origins.len() < 2);
});
