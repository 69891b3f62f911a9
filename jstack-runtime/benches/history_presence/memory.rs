//! What an idle connection costs, in a room with and without history and presence.

use std::time::Duration;

use tokio::time::sleep;

use super::CLIENTS;
use super::client::open;
use super::process::{Process, free_port};

const ROOMS: usize = 100;

pub async fn measure() {
    println!(
        "memory of each of {CLIENTS} idle connections in one of {ROOMS} rooms, in KiB (VmRSS):"
    );
    for with_redis in [false, true] {
        let redis = if with_redis { Some(Process::redis().await) } else { None };
        for procedure in ["plain", "history", "presence", "both"] {
            let server = Process::server(free_port(), redis.as_ref()).await;
            // What is made with the first connection is not counted.
            let first = open(server.port, procedure, "room0").await.unwrap();
            sleep(Duration::from_secs(1)).await;
            let before = server.memory("VmRSS");
            let mut connections = Vec::new();
            for n in 0..CLIENTS {
                let room = format!("room{}", n % ROOMS);
                let (mut reader, writer) = open(server.port, procedure, &room).await.unwrap();
                reader.next().await.unwrap();
                connections.push((reader, writer));
            }
            sleep(Duration::from_secs(5)).await;
            let grown = server.memory("VmRSS") - before;
            let broker = if with_redis { "Redis" } else { "embedded" };
            println!("  {broker}, {procedure}: {:.2}", grown as f64 / CLIENTS as f64);
            drop((first, connections));
        }
    }
}
