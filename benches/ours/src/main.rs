//! The chat on the library's own runtime, as the README serves it.
//!
//! `TOKIO_WORKER_THREADS` sets the threads of the runtime.

use jstack_runtime::BoxError;

#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    bench_ours::serve().await
}
