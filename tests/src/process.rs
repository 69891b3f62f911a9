//! What the system says of a process.

use std::time::Duration;

/// Its CPU time, in ticks of 10 ms; `self` is this one.
#[allow(clippy::expect_used, clippy::missing_panics_doc, reason = "for tests")]
pub fn cpu(pid: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process lives");
    let after_name = stat.rsplit(')').next().expect("fields");
    let ticks = |n| after_name.split_whitespace().nth(n).and_then(|n| n.parse::<u64>().ok());
    Duration::from_millis(10 * (ticks(11).expect("user time") + ticks(12).expect("system time")))
}
