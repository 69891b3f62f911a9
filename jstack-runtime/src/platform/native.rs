//! A process with threads.

use std::io;

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
