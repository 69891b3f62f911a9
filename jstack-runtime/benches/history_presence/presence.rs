//! A room of ten thousand members on three processes, of which fifty a second change.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::{interval, sleep};

use super::CLIENTS;
use super::client::{Writer, open};
use super::process::{Process, free_port};
use super::recovery::until;

const SERVERS: usize = 3;
const CHANGES: u64 = 50;
/// How long is measured.
const TIME: Duration = Duration::from_secs(20);

#[derive(Default)]
struct Counts {
    joined: AtomicUsize,
    /// Lists with all members counted.
    lists: AtomicUsize,
    differences: AtomicU64,
    bytes: AtomicU64,
}

pub async fn measure() {
    let redis = Process::redis().await;
    let mut servers = Vec::new();
    for _ in 0..SERVERS {
        servers.push(Process::server(free_port(), Some(&redis)).await);
    }
    let counts = Arc::new(Counts::default());
    let mut writers = Vec::new();
    for n in 0..CLIENTS {
        let (mut reader, writer) =
            open(servers[n % SERVERS].port, "presence", "big").await.unwrap();
        writers.push(writer);
        let counts = counts.clone();
        tokio::spawn(async move {
            let mut bytes = 0;
            while let Ok(frame) = reader.next().await {
                let read = reader.bytes - std::mem::replace(&mut bytes, reader.bytes);
                counts.bytes.fetch_add(read, Ordering::Relaxed);
                match frame[0].as_str().unwrap() {
                    "$room" if frame[1]["r"] == "big" => {
                        counts.joined.fetch_add(1, Ordering::Relaxed);
                    }
                    "$ok" => {
                        let is_whole = frame[1]["count"] == json!(CLIENTS);
                        counts.lists.fetch_add(usize::from(is_whole), Ordering::Relaxed);
                    }
                    "$presence" => _ = counts.differences.fetch_add(1, Ordering::Relaxed),
                    "$err" | "error" => panic!("{frame}"),
                    _ => {}
                }
            }
        });
    }
    until("all have joined", || counts.joined.load(Ordering::Relaxed) == CLIENTS).await;
    // The processes learn of each other's members.
    sleep(Duration::from_secs(5)).await;
    println!("presence of a room of {CLIENTS} on {SERVERS} processes, {CHANGES} changes a second:");
    case("nobody watches", &redis, &servers, &mut writers, &counts).await;
    for writer in &mut writers {
        writer.send(&json!(["$presence", { "r": "big" }, { "i": "1" }])).await.unwrap();
    }
    until("all have the list", || counts.lists.load(Ordering::Relaxed) == CLIENTS).await;
    case("all watch", &redis, &servers, &mut writers, &counts).await;
}

async fn case(
    name: &str,
    redis: &Process,
    servers: &[Process],
    writers: &mut [Writer],
    counts: &Counts,
) {
    redis.reset_stats();
    let net = redis.bytes();
    let cpu: Vec<_> = servers.iter().chain([redis]).map(Process::cpu).collect();
    let seen = [&counts.differences, &counts.bytes].map(|it| it.load(Ordering::Relaxed));
    let (began, mut ticks) = (Instant::now(), interval(Duration::from_secs(1) / CHANGES as u32));
    let mut n = 0;
    while began.elapsed() < TIME {
        ticks.tick().await;
        n += 1;
        let which = n * 7_919 % writers.len();
        writers[which].send(&json!(["$state", { "r": "big", "s": n }])).await.unwrap();
    }
    let seconds = began.elapsed().as_secs_f64();
    let cpu: Vec<_> = servers
        .iter()
        .chain([redis])
        .zip(cpu)
        .map(|(process, before)| {
            format!("{:.1} %", (process.cpu() - before).as_secs_f64() / seconds * 100.0)
        })
        .collect();
    let commands = redis.commands();
    let total: u64 = commands.iter().map(|(_, calls)| calls).sum();
    let now = redis.bytes();
    println!("  {name}: {:.1} changes a second", n as f64 / seconds);
    println!("    CPU of the servers and of Redis: {}", cpu.join(", "));
    println!(
        "    {:.1} Redis commands a second {commands:?}; {:.1} KB/s in, {:.1} KB/s out",
        total as f64 / seconds,
        (now[0] - net[0]) as f64 / seconds / 1000.0,
        (now[1] - net[1]) as f64 / seconds / 1000.0,
    );
    let [differences, bytes] =
        [&counts.differences, &counts.bytes].map(|it| it.load(Ordering::Relaxed));
    println!(
        "    clients got {:.0} differences and {:.1} KB a second",
        (differences - seen[0]) as f64 / seconds,
        (bytes - seen[1]) as f64 / seconds / 1000.0
    );
}
