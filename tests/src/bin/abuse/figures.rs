//! What each attack does to the others and to memory.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use jstack_runtime::BoxError;
use jstack_tests::Client;
use jstack_tests::attacks::ATTACKS;
use jstack_tests::client::handshake;
use tokio::task::JoinSet;

use crate::other::{Other, again};

/// For how long one flood of an attack goes on.
const FLOOD: Duration = Duration::from_secs(4);

pub(crate) async fn figures() -> Result<(), BoxError> {
    let mut other = Other::start().await;
    half_heads(other.address).await?;
    println!(
        "{:26} {:>9} {:>9} {:>9}   heap and resident KiB: before, after a flood, after another",
        "attack", "p50", "p99", "max"
    );
    // The first run of anything fills spare buffers, which stay.
    for attack in ATTACKS {
        let _ = tokio::time::timeout(Duration::from_secs(8), attack.run(other.address)).await;
    }
    for name in std::iter::once("(nothing)".to_owned()).chain(ATTACKS.map(|a| a.to_string())) {
        let mut memory = vec![calm(&mut other).await];
        let mut trips = Vec::new();
        for _ in 0..2 {
            let attackers = (name != "(nothing)").then(|| {
                again(&["attack", &other.address.to_string(), &name]).spawn().expect("a process")
            });
            trips.extend(round_trips(other.address).await?);
            if let Some(mut attackers) = attackers {
                attackers.kill().await?;
            }
            memory.push(calm(&mut other).await);
        }
        trips.sort_unstable();
        let at = |thousandth: usize| trips[(trips.len() - 1) * thousandth / 1000];
        let heap: Vec<_> = memory.iter().map(|(heap, _)| heap.to_string()).collect();
        let resident: Vec<_> = memory.iter().map(|(_, resident)| resident.to_string()).collect();
        println!(
            "{name:26} {:>9.2?} {:>9.2?} {:>9.2?}   {:24} {}",
            at(500),
            at(990),
            at(1000),
            heap.join(" "),
            resident.join(" "),
        );
    }
    Ok(())
}

/// Waits until nobody is connected and all that ends a little later has ended, and returns heap
/// and resident memory.
async fn calm(other: &mut Other) -> (u64, u64) {
    let start = Instant::now();
    while other.sockets().await > 0 && start.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Half heads live for five seconds, and so does who does not answer a close.
    tokio::time::sleep(Duration::from_secs(6)).await;
    (other.heap().await, other.resident())
}

/// Round trips of 50 clients, 20 a second each.
async fn round_trips(address: SocketAddr) -> Result<Vec<Duration>, BoxError> {
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let mut client = Client::open(address, "/api/post/chat?alone", "").await?;
        tasks.spawn(async move {
            let (start, mut found) = (Instant::now(), Vec::new());
            while start.elapsed() < FLOOD {
                let before = Instant::now();
                assert!(client.is_well().await, "a client that behaves was closed");
                found.push(before.elapsed());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            found
        });
    }
    Ok(tasks.join_all().await.concat())
}

/// A thousand half-sent heads under the default of five seconds, each timed by itself.
async fn half_heads(address: SocketAddr) -> Result<(), BoxError> {
    let start = Instant::now();
    let mut half = JoinSet::new();
    for _ in 0..1000 {
        let mut client = Client::tcp(address).await?;
        let opened = Instant::now();
        client.send(&handshake("/api/post/chat", "").as_bytes()[..100]).await?;
        half.spawn(async move {
            let _ = client.answer().await;
            opened.elapsed()
        });
    }
    let opening = start.elapsed();
    let mut healthy = Vec::new();
    while healthy.len() < 400 && start.elapsed() < Duration::from_secs(4) {
        let before = Instant::now();
        Client::chat(address).await?;
        healthy.push(before.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut lives = half.join_all().await;
    lives.sort_unstable();
    healthy.sort_unstable();
    println!(
        "1000 half heads, opened within {opening:.2?}: each lived for {:.2?} to {:.2?}; {} handshakes \
         meanwhile: p50 {:.2?}, p99 {:.2?}, max {:.2?}",
        lives[0],
        lives[lives.len() - 1],
        healthy.len(),
        healthy[healthy.len() / 2],
        healthy[healthy.len() * 99 / 100],
        healthy[healthy.len() - 1],
    );
    Ok(())
}
