//! The chat on a runtime that the application brings: the one of `#[tokio::main]`.
//!
//! `TOKIO_WORKER_THREADS` sets the threads of the runtime.

use jstack_runtime::BoxError;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    bench_ours::serve().await
}
