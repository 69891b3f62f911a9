//! Rooms with history and presence, with ten thousand connections. Needs `redis-server`, Linux, and
//! 10,100 open files for each process.
//!
//! ```sh
//! cargo bench -p jstack-runtime --features redis --bench history_presence -- recovery
//! cargo bench -p jstack-runtime --features redis --bench history_presence -- presence
//! cargo bench -p jstack-runtime --features redis --bench history_presence -- memory
//! ```
//!
//! Servers are processes of their own, so that their CPU time and memory are theirs alone. Clients
//! speak the profile `v1` in raw frames: they cost little, and do what the rule of recovery says.

#![allow(
    unreachable_pub,
    missing_docs,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a measurement, not part of the library"
)]

mod client;
mod memory;
mod presence;
mod process;
mod recovery;
mod server;

/// Connections of each measurement.
const CLIENTS: usize = 10_000;

fn main() {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    if let Ok(port) = std::env::var(process::PORT) {
        return runtime.block_on(server::serve(port.parse().unwrap()));
    }
    let arguments: Vec<_> = std::env::args().skip(1).filter(|it| !it.starts_with("--")).collect();
    let is_wanted = |name: &str| arguments.is_empty() || arguments.iter().any(|it| it == name);
    runtime.block_on(async {
        if is_wanted("recovery") {
            recovery::measure().await;
        }
        if is_wanted("presence") {
            presence::measure().await;
        }
        if is_wanted("memory") {
            memory::measure().await;
        }
    });
}
