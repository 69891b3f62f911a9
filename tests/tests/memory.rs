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
use jstack_tests::client::{frame, handshake, header};
use jstack_tests::server::limits;
use jstack_tests::{Client, Frame, Server};
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const ATTACKS: [&str; 9] = [
    "half heads",
    "declared lengths",
    "fragments",
    "empty continuations",
    "control frames",
    "deep and huge JSON",
    "names",
    "long heads",
    "readers that do not read",
];

async fn attack(server: &Server, name: &str) {
    let mut clients = Vec::new();
    for _ in 0..50 {
        clients.push(match name {
            "half heads" | "long heads" => Client::tcp(server.address).await.expect("a connection"),
            _ => Client::chat(server.address).await.expect("a chat"),
        });
    }
    if name == "readers that do not read" {
        let text = "x".repeat(16 * 1024);
        for _ in 0..400 {
            jstack_tests::app::say(&server.io, &text).await.expect("taken");
            tokio::task::yield_now().await;
        }
        return;
    }
    let bytes = match name {
        "half heads" => handshake("/api/post/chat", "")[..100].as_bytes().to_vec(),
        "long heads" => handshake("/api/post/chat", &"x: y\r\n".repeat(20_000)).into_bytes(),
        "declared lengths" => header(0x81, 1 << 62),
        "fragments" => [frame(1, false, b"["), frame(0, false, &[b' '; 500]).repeat(1000)].concat(),
        "empty continuations" => {
            [frame(1, false, b""), frame(0, false, b"").repeat(100_000)].concat()
        }
        "control frames" => frame(9, true, &[1; 125]).repeat(20_000),
        "deep and huge JSON" => {
            let zeros = format!("[\"anything\",[{}0]]", "0,".repeat(30_000));
            let deep = format!("[\"anything\",{}]", "[".repeat(60_000));
            [frame(1, true, zeros.as_bytes()), frame(1, true, deep.as_bytes())].concat().repeat(5)
        }
        _ => (0..150)
            .flat_map(|n| {
                frame(1, true, format!("[\"join\",\"{n}{}\"]", "x".repeat(150)).as_bytes())
            })
            .collect(),
    };
    for client in &mut clients {
        let _ = client.send(&bytes).await;
    }
    for client in &mut clients {
        if name == "deep and huge JSON" || name == "names" {
            let _ = client.send(&frame(8, true, b"")).await;
        }
        while !matches!(client.next().await, Frame::Close(..) | Frame::End) {}
    }
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
    let header_timeout = Duration::from_millis(300);
    let server =
        Server::start(Limits { header_timeout, queue_bytes: 256 * 1024, ..limits() }).await;
    // The first round fills spare buffers and maps, which stay.
    for name in ATTACKS {
        attack(&server, name).await;
    }
    let mut before = quiet(&server, 1 << 20).await;
    for name in ATTACKS {
        HEAP.reset_peak_usage();
        attack(&server, name).await;
        let peak = HEAP.peak_usage();
        let after = quiet(&server, before + (1 << 20)).await;
        let kib = |bytes: usize| bytes / 1024;
        println!("{name}: {} KiB before, {} at most, {} after", kib(before), kib(peak), kib(after));
        assert!(after < before + (1 << 20), "{name}: {before} bytes before, {after} after");
        before = after.min(before);
    }
}
