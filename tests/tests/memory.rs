//! What an attack took is given back. A process of its own: it counts every byte.

#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::large_stack_arrays,
    clippy::many_single_char_names,
    clippy::sliced_string_as_bytes,
    reason = "tests"
)]

use std::time::Duration;

use jstack_runtime::Limits;
use jstack_tests::Server;
use jstack_tests::attacks::{ATTACKS, Attack};
use jstack_tests::server::limits;
use peak_alloc::PeakAlloc;
use tokio::task::JoinSet;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// Each attack by so many clients.
const CLIENTS: usize = 10;

async fn flood(server: &Server, attack: Attack) {
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(attack.run(server.address));
    }
    clients.join_all().await;
}

/// Waits until all connections are gone and no more than `most` bytes are held; the last of a
/// connection's tasks ends a moment after it has left.
async fn quiet(server: &Server, most: usize) -> usize {
    let quiet = async {
        while server.io.local_connections() > 0 || HEAP.current_usage() > most {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(10), quiet).await;
    assert_eq!(server.io.local_connections(), 0);
    HEAP.current_usage()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_back_to_where_it_was_after_each_attack() {
    // A backtrace costs more memory than any attack, and the standard library keeps it.
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    let header_timeout = Duration::from_millis(300);
    let server =
        Server::start(Limits { header_timeout, queue_bytes: 256 * 1024, ..limits() }).await;
    // The first round fills spare buffers and maps, which stay.
    for attack in ATTACKS {
        flood(&server, attack).await;
    }
    let mut before = quiet(&server, 1 << 20).await;
    for attack in ATTACKS {
        HEAP.reset_peak_usage();
        flood(&server, attack).await;
        let peak = HEAP.peak_usage();
        let after = quiet(&server, before + (1 << 20)).await;
        let kib = |bytes: usize| bytes / 1024;
        println!(
            "{attack}: {} KiB before, {} at most, {} after",
            kib(before),
            kib(peak),
            kib(after)
        );
        assert!(after < before + (1 << 20), "{attack}: {before} bytes before, {after} after");
        before = after.min(before);
    }
}
