//! One reader that stops, in a room of many. A process of its own: it counts every byte.

#![allow(missing_docs, reason = "tests")]

use std::time::Duration;

use jstack_runtime::Limits;
use jstack_tests::server::limits;
use jstack_tests::{Client, Server};
use peak_alloc::PeakAlloc;
use tokio::sync::mpsc::unbounded_channel;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const MEMBERS: usize = 50;
const MESSAGES: usize = 2000;
/// In flight, so that queues fill up.
const WINDOW: usize = 8;
/// What may wait for one reader.
const QUEUE: usize = 256 * 1024;
const TEXT: usize = 16 * 1024;

/// 32 MiB for one reader, more than fits into the sockets' own buffers; 8 × 16 KiB in flight, less
/// than fits into a queue.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_stops_is_closed_and_the_other_members_of_its_room_miss_nothing() {
    let limits = Limits { queue_bytes: u32::try_from(QUEUE).expect("small"), ..limits() };
    let mut server = Server::start(limits).await;
    let stalled = Client::chat(server.address).await.expect("a chat");
    let (heard, mut all_heard) = unbounded_channel();
    let mut readers = Vec::new();
    for _ in 0..MEMBERS {
        let mut client = Client::chat(server.address).await.expect("a chat");
        let heard = heard.clone();
        readers.push(tokio::spawn(async move {
            for n in 0..MESSAGES {
                let text = client.next_text().await;
                assert!(text.starts_with(&format!("[\"say\",\"{n} ")), "message {n}: {text:.40}");
                let _ = heard.send(());
            }
        }));
    }

    let held = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let room = async {
        let mut complete = 0;
        for n in 0..MESSAGES {
            let text = format!("{n} {}", "x".repeat(TEXT));
            jstack_tests::app::say(&server.io, &text).await.expect("taken");
            while n - complete + 1 >= WINDOW {
                for _ in 0..MEMBERS {
                    all_heard.recv().await.expect("readers that read on");
                }
                complete += 1;
            }
        }
        for reader in readers {
            reader.await.expect("every message, in order");
        }
    };
    tokio::time::timeout(Duration::from_secs(60), room).await.expect("nobody waits for the slow");
    let grown = HEAP.peak_usage().saturating_sub(held);

    let reason = tokio::time::timeout(Duration::from_secs(10), server.gone.recv()).await;
    let reason = reason.expect("the stalled reader is closed").expect("a reason");
    assert_eq!(reason.code(), 1013, "{reason}");
    // The clients in this process hold what is in flight, too. Without a limit, the reader that
    // stopped would hold all that the sockets' buffers do not take: over 20 MiB.
    let in_flight = MEMBERS * WINDOW * TEXT;
    println!("heap grew by {} KiB at most", grown / 1024);
    assert!(grown < QUEUE + 2 * in_flight, "{grown} bytes");
    drop(stalled);
    server.stopped().await;
}
