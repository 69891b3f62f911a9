//! A process with threads, on tokio.

use std::hash::BuildHasher as _;
use std::io::{self, Write as _};

pub(crate) use std::collections::{HashMap, HashSet};
pub(crate) use std::hash::RandomState;
// From tokio, so that tests can pause the time.
pub(crate) use tokio::time::Instant;

pub(crate) use tokio::task::coop::poll_proceed;
pub(crate) use tokio::task::unconstrained;
pub(crate) use tokio::time::{Sleep, sleep, timeout};

#[cfg(feature = "server")]
/// How many tasks a worker runs before it looks for new events.
///
/// Publishers append to buffers, and the flusher writes them once a turn: the more readers are
/// seen in one turn, the more messages share a write. Tokio's own 61 halves the throughput of
/// many busy rooms.
const EVENT_INTERVAL: u32 = 1024;

#[cfg(feature = "server")]
/// Starts a runtime of `workers` threads and runs `future` on it to its end.
pub(crate) fn block_on<F: Future>(workers: Option<u16>, future: F) -> io::Result<F::Output> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.event_interval(EVENT_INTERVAL).enable_all();
    if let Some(workers) = workers {
        builder.worker_threads(workers.into());
    }
    Ok(builder.build()?.block_on(future))
}

#[cfg(feature = "server")]
/// The runtime that this is called on, for the log: how many workers it has, and what to write where it
/// cannot use the machine.
pub(crate) fn runtime() -> String {
    use tokio::runtime::{Handle, RuntimeFlavor};

    let Ok(handle) = Handle::try_current() else { return "none".to_owned() };
    match (handle.runtime_flavor(), handle.metrics().num_workers()) {
        (RuntimeFlavor::CurrentThread, _) => {
            "one thread, on which everything waits for everything \
                                              else: `#[jstack_runtime::main]` uses all cores"
                .to_owned()
        }
        (_, 1) => "1 worker".to_owned(),
        (_, workers) => format!("{workers} workers"),
    }
}

/// Runs a future beside the others.
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    #[cfg(not(jstack_loom))]
    tokio::spawn(future);
    // The model has threads and not tokio.
    #[cfg(jstack_loom)]
    loom::thread::spawn(move || loom::future::block_on(future));
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

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::runtime;

    #[tokio::test(flavor = "multi_thread", worker_threads = 3)]
    async fn a_runtime_is_logged_by_its_workers() {
        assert_eq!(runtime(), "3 workers");
    }

    #[tokio::test]
    async fn a_runtime_of_one_thread_is_logged_with_what_to_write() {
        assert!(runtime().contains("`#[jstack_runtime::main]`"), "{}", runtime());
    }

    #[test]
    fn without_a_runtime_there_is_nothing_to_log() {
        assert_eq!(runtime(), "none");
    }
}
