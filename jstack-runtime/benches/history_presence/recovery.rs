//! Ten thousand clients that are each in three rooms, and a server that is killed and started again
//! while others publish.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jstack_runtime::Emitter;
use serde_json::json;
use tokio::time::sleep;

use super::CLIENTS;
use super::client::open;
use super::process::{Process, free_port};
use super::server::history;

/// Each has 300 members.
const ROOMS: usize = 100;
/// Published to each room while the server is away.
const MISSED: usize = 20;
/// Over which time the clients come back.
const SPREAD: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Counts {
    /// Clients that are in all their rooms.
    joined: AtomicUsize,
    asked: AtomicUsize,
    recovered: AtomicUsize,
    items: AtomicUsize,
    gaps: AtomicUsize,
    errors: AtomicUsize,
}

pub async fn measure() {
    let (redis, port) = (Process::redis().await, free_port());
    let server = Process::server(port, Some(&redis)).await;
    let emitter = Emitter::connect(&redis.url()).await.unwrap();
    let io = emitter.io::<history::Procedure>("at/history");
    // The logs begin.
    for room in 0..ROOMS {
        io.to(format!("room{room}")).said("first").await.unwrap();
    }
    let counts = Arc::new(Counts::default());
    for n in 0..CLIENTS {
        tokio::spawn(stay(n, port, counts.clone()));
        if n % 100 == 0 {
            sleep(Duration::from_millis(10)).await;
        }
    }
    until("all have joined", || counts.joined.load(Ordering::Relaxed) == CLIENTS).await;
    let before = server.memory("VmRSS");
    server.kill();
    for room in 0..ROOMS {
        for n in 0..MISSED {
            io.to(format!("room{room}")).said(&format!("message {n}")).await.unwrap();
        }
    }
    counts.joined.store(0, Ordering::Relaxed);
    redis.reset_stats();
    let began = Instant::now();
    let server = Process::server(port, Some(&redis)).await;
    let all = 3 * CLIENTS;
    until("all have recovered", || counts.recovered.load(Ordering::Relaxed) == all).await;
    let (took, cpu) = (began.elapsed(), server.cpu());
    let commands = redis.commands();
    let number = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    println!(
        "recovery of {CLIENTS} clients, each in 3 of {ROOMS} rooms, {MISSED} messages missed in each:"
    );
    println!(
        "  {:.2} s from the start of the server, of which clients come back over {:.0} s; CPU of the server {:.2} s",
        took.as_secs_f64(),
        SPREAD.as_secs_f64(),
        cpu.as_secs_f64()
    );
    println!(
        "  {} questions, {} messages, {} gaps, {} refused and asked again",
        number(&counts.asked),
        number(&counts.items),
        number(&counts.gaps),
        number(&counts.errors)
    );
    let total: u64 = commands.iter().map(|(_, calls)| calls).sum();
    println!("  {total} Redis commands: {commands:?}");
    println!(
        "  memory of the server: {} MiB before, {} MiB at most, {} MiB after",
        before / 1024,
        server.memory("VmHWM") / 1024,
        server.memory("VmRSS") / 1024
    );
    assert_eq!(number(&counts.items), all * MISSED, "everybody has everything once");
    assert_eq!(number(&counts.gaps), 0);
}

/// Connects again and again, and recovers what it missed.
async fn stay(n: usize, port: u16, counts: Arc<Counts>) {
    let rooms: Vec<_> = (0..3).map(|k| format!("room{}", (n + 33 * k) % ROOMS)).collect();
    let rooms = rooms.join("-");
    let mut places: HashMap<String, (String, u64)> = HashMap::new();
    let spread = SPREAD.mul_f64(n as f64 / CLIENTS as f64);
    loop {
        let Ok(()) = session(port, &rooms, &mut places, &counts).await;
        sleep(spread).await;
    }
}

async fn session(
    port: u16,
    rooms: &str,
    places: &mut HashMap<String, (String, u64)>,
    counts: &Counts,
) -> Result<(), std::convert::Infallible> {
    let Ok((mut reader, mut writer)) = open(port, "history", rooms).await else { return Ok(()) };
    let mut joined = 0;
    while let Ok(frame) = reader.next().await {
        let data = &frame[1];
        let sent = match frame[0].as_str().unwrap() {
            "$room" => {
                let Some(room) = data["r"].as_str() else { continue };
                joined += 1;
                if joined == 3 {
                    counts.joined.fetch_add(1, Ordering::Relaxed);
                }
                let at = (data["e"].as_str().unwrap().to_owned(), data["o"].as_u64().unwrap());
                let place = places.entry(room.to_owned()).or_insert_with(|| at.clone());
                if *place == at {
                    continue;
                }
                counts.asked.fetch_add(1, Ordering::Relaxed);
                let after = json!([place.0, place.1]);
                writer
                    .send(&json!(["$history", { "r": room, "after": after }, { "i": room }]))
                    .await
            }
            "$ok" => {
                let room = frame[2]["i"].as_str().unwrap();
                let items = data["items"].as_array().unwrap().len();
                counts.items.fetch_add(items, Ordering::Relaxed);
                counts.gaps.fetch_add(usize::from(data.get("gap").is_some()), Ordering::Relaxed);
                assert_eq!(data["more"], false);
                let at = (data["e"].as_str().unwrap().to_owned(), data["o"].as_u64().unwrap());
                places.insert(room.to_owned(), at);
                counts.recovered.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            "$err" => {
                counts.errors.fetch_add(1, Ordering::Relaxed);
                let room = frame[2]["i"].as_str().unwrap();
                sleep(Duration::from_millis(200)).await;
                let after = json!([places[room].0, places[room].1]);
                writer
                    .send(&json!(["$history", { "r": room, "after": after }, { "i": room }]))
                    .await
            }
            _ => continue,
        };
        if sent.is_err() {
            break;
        }
    }
    Ok(())
}

pub async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(120);
    while !is() {
        assert!(Instant::now() < until, "never: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}
