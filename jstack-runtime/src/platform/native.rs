//! A process with threads, on tokio.

use std::hash::BuildHasher as _;
use std::io::{self, Write as _};

pub(crate) use std::collections::{HashMap, HashSet};
pub(crate) use std::hash::RandomState;
// Of tokio, so that the time of tests may stand still.
pub(crate) use tokio::time::Instant;

pub(crate) use tokio::task::coop::poll_proceed;
pub(crate) use tokio::task::unconstrained;
pub(crate) use tokio::time::{Sleep, sleep, timeout};

/// How many tasks a worker runs before it looks for new events.
///
/// Publishers append to buffers, and the flusher writes them once a turn: the more readers are
/// seen in one turn, the more messages share a write. Tokio's own 61 halves the throughput of
/// many busy rooms.
const EVENT_INTERVAL: u32 = 1024;

/// Starts a runtime of `workers` threads and runs `future` on it to its end.
pub(crate) fn block_on<F: Future>(workers: Option<u16>, future: F) -> io::Result<F::Output> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.event_interval(EVENT_INTERVAL).enable_all();
    if let Some(workers) = workers {
        builder.worker_threads(workers.into());
    }
    Ok(builder.build()?.block_on(future))
}

/// Runs a future beside the others.
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(future);
}

/// A number that nobody foresees.
pub(crate) fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// Milliseconds since 1970, by the clock on the wall.
pub(crate) fn unix_millis() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// Writes a line for whoever operates the program, to stderr.
pub(crate) fn write_line(line: &dyn std::fmt::Display) {
    // There is nobody to report a closed stderr to.
    let _ = writeln!(io::stderr().lock(), "{line}");
}
