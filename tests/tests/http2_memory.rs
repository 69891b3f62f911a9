//! The memory that one HTTP/2 connection can make the server use. A process of its own: it counts
//! every byte.

#![allow(missing_docs, clippy::expect_used, reason = "tests")]

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use jstack_runtime::Limits;
use jstack_tests::Server;
use jstack_tests::server::limits;
use peak_alloc::PeakAlloc;
use tokio::net::TcpStream;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const MIB: usize = 1 << 20;

async fn connect(server: &Server, window: u32) -> h2::client::SendRequest<Bytes> {
    let tcp = TcpStream::connect(server.address).await.expect("a connection");
    let (send, connection) = h2::client::Builder::new()
        .initial_window_size(window)
        .handshake(tcp)
        .await
        .expect("a handshake");
    tokio::spawn(connection);
    send
}

/// Waits until less than `most` bytes are held, and says how many.
async fn held(most: usize) -> usize {
    let less = async {
        while HEAP.current_usage() > most {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(10), less).await;
    HEAP.current_usage()
}

/// Two hundred bodies of a megabyte whose last byte never comes; then answers that nobody takes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_holds_little_whatever_it_begins() {
    let write_timeout = Duration::from_millis(700);
    let large = axum::routing::get(async || "x".repeat(800 * 1024));
    let beside = axum::Router::new().route("/large", large);
    let limits = Limits { write_timeout, ..limits() };
    let server = Server::start_with(limits, |app| app.merge(beside)).await;

    // The client's copies are one allocation.
    let body = Bytes::from(vec![b' '; MIB - 1]);
    let send = connect(&server, 65_535).await;
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let mut streams = Vec::new();
    for _ in 0..200 {
        let request = Request::post("http://localhost/api/post/create")
            .header("content-type", "application/json")
            .header("content-length", MIB)
            .body(())
            .expect("a request");
        // Beyond the server's number of streams, none is ready.
        let ready = tokio::time::timeout(Duration::from_millis(100), send.clone().ready()).await;
        let Ok(Ok(mut ready)) = ready else { break };
        let (answer, mut up) = ready.send_request(request, false).expect("sent");
        up.send_data(body.clone(), false).expect("queued");
        streams.push((answer, up));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let peak = HEAP.peak_usage().saturating_sub(before);
    println!("{} unfinished bodies: {} KiB at most", streams.len(), peak / 1024);
    assert!(streams.len() >= 100, "{}", streams.len());
    assert!(peak < 24 * MIB, "{} KiB", peak / 1024);
    drop((streams, send));
    held(before + MIB).await;

    let send = connect(&server, 0).await;
    HEAP.reset_peak_usage();
    let mut answers = Vec::new();
    for _ in 0..300 {
        let request = Request::get("http://localhost/large").body(()).expect("a request");
        let ready = tokio::time::timeout(Duration::from_millis(100), send.clone().ready()).await;
        let Ok(Ok(mut ready)) = ready else { break };
        answers.push(ready.send_request(request, true).expect("sent").0);
    }
    tokio::time::sleep(write_timeout / 2).await;
    println!(
        "{} answers: {} KiB at most",
        answers.len(),
        HEAP.peak_usage().saturating_sub(before) / 1024
    );
    // Nothing is taken, and nothing is dropped here: the server alone gives up.
    let after = held(before + 4 * MIB).await.saturating_sub(before);
    assert!(after < 4 * MIB, "{} KiB are held after `write_timeout`", after / 1024);
    drop((answers, send));
}
