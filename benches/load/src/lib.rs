//! What the load generator prints, for whoever reads it.

use serde::{Deserialize, Serialize};

/// The result of one run, printed as one JSON object.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Outcome {
    /// Length of the measured window in seconds.
    pub secs: f64,
    /// Messages (or requests) sent in the window.
    pub sent: u64,
    /// Frames (or answers) received in the window.
    pub delivered: u64,
    /// Messages sent since the warm-up began, those under way at the end included.
    pub total: u64,
    /// CPU seconds of the servers in the window: all threads, user and kernel.
    pub server_cpu: f64,
    /// The kernel's share of them, 0 to 1 (sampled by the clock tick).
    pub server_kernel: f64,
    /// CPU seconds of the helper, Redis.
    pub helper_cpu: f64,
    /// The share of the window in which the load generator worked, polling that found nothing
    /// left out. Near 1 it limits the rate by the wall clock, not the figure per CPU second.
    pub client_busy: f64,
    /// Median time from sending to receiving, in microseconds.
    pub p50_us: f64,
    /// 99th percentile of the same.
    pub p99_us: f64,
    /// 99.9th percentile of the same.
    pub p999_us: f64,
    /// Longest of the same.
    pub max_us: f64,
    /// What should have arrived and did not, over the whole run. Anything but 0 voids the result.
    pub lost: i64,
    /// Connections that were refused, or ended before we ended them.
    pub broken: u64,
    /// Connections open at the end of the set-up.
    pub connections: u64,
    /// CPU seconds of the servers for setting them up, joining included.
    pub setup_cpu: f64,
    /// Resident memory of the servers in KiB before the first connection.
    pub rss_before: u64,
    /// The same at the end of the window.
    pub rss_after: u64,
    /// The largest seen in the window (looked at ten times a second).
    pub rss_peak: u64,
    /// What became of the reader that stopped reading, where there was one.
    pub stalled: Option<Stalled>,
}

/// What became of a reader that stopped reading.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stalled {
    /// The server ended the connection.
    pub closed: bool,
    /// The close code it gave, if that still reached us.
    pub code: Option<u16>,
    /// Bytes that the server had got rid of before: the kernel's buffers.
    pub bytes: u64,
}
