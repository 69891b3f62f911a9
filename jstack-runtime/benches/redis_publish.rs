//! Publishing through the broker against a bare pipelined `PUBLISH`, in one run.
//!
//! `cargo bench -p jstack-runtime --features redis --bench redis_publish`; needs `redis-server`.
//! Both sides publish 100 bytes of JSON to one channel that nobody listens to, on one connection,
//! in rounds that take turns; the medians are compared.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement, not part of the library"
)]

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jstack_runtime::{Broker, Channel, Message, Redis, Scope, Sink};

const ROUNDS: usize = 15;
const MESSAGES: usize = 60_000;
/// Those who publish at the same time, each waiting for its answer.
const PUBLISHERS: usize = 256;

struct Nobody;

impl Sink for Nobody {
    fn deliver(&self, _: &Message<'_>) {}
    fn gap(&self, _: Channel<'_>, _: Option<u64>) {}
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn json() -> Vec<u8> {
    format!("[\"message\",{{\"text\":\"{}\"}}]", "x".repeat(77)).into_bytes()
}

/// Every publisher waits for its own message before it sends the next.
async fn ours(redis: &Arc<Redis>) -> Duration {
    let since = Instant::now();
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|_| {
            let redis = redis.clone();
            tokio::spawn(async move {
                let (json, mut scratch) = (json(), Vec::new());
                let channel = Channel { procedure: "post/chat", scope: Scope::Room("general") };
                for _ in 0..MESSAGES / PUBLISHERS {
                    let message = Message::new(channel, &json, &mut scratch);
                    redis.publish(&[message], &Nobody).await.unwrap();
                }
            })
        })
        .collect();
    for publisher in publishers {
        publisher.await.unwrap();
    }
    since.elapsed()
}

/// Four pipelines of 64 on their way at any time: the same number of messages in flight.
async fn pipelined(connection: &redis::aio::MultiplexedConnection, payload: &[u8]) -> Duration {
    let since = Instant::now();
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (mut connection, payload) = (connection.clone(), payload.to_vec());
            tokio::spawn(async move {
                for _ in 0..MESSAGES / PUBLISHERS {
                    let mut pipeline = redis::pipe();
                    for _ in 0..PUBLISHERS / 4 {
                        pipeline
                            .cmd("PUBLISH")
                            .arg("jstack:post/chat:room:general")
                            .arg(&payload)
                            .ignore();
                    }
                    pipeline.exec_async(&mut connection).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    since.elapsed()
}

/// As many tasks as publishers on the library's multiplexed connection, one command each.
async fn multiplexed(connection: &redis::aio::MultiplexedConnection, payload: &[u8]) -> Duration {
    let since = Instant::now();
    let tasks: Vec<_> = (0..PUBLISHERS)
        .map(|_| {
            let (mut connection, payload) = (connection.clone(), payload.to_vec());
            tokio::spawn(async move {
                for _ in 0..MESSAGES / PUBLISHERS {
                    let mut publish = redis::cmd("PUBLISH");
                    publish.arg("jstack:post/chat:room:general").arg(&payload);
                    publish.exec_async(&mut connection).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    since.elapsed()
}

fn rate(mut rounds: Vec<Duration>) -> f64 {
    rounds.sort();
    let count = u32::try_from(MESSAGES / PUBLISHERS * PUBLISHERS).unwrap();
    f64::from(count) / rounds[rounds.len() / 2].as_secs_f64()
}

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--save", "", "--appendonly", "no"])
        .stdout(Stdio::null())
        .spawn();
    let _server = Server(server.unwrap());
    let url = format!("redis://127.0.0.1:{port}");
    let redis = loop {
        match Redis::connect(&url).await {
            Ok(redis) => break Arc::new(redis),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    let client = redis::Client::open(url).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    // As long as our envelope around the same text.
    let payload = [vec![1; 18], json()].concat();
    let (mut a, mut b, mut c) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let times = (
            ours(&redis).await,
            pipelined(&connection, &payload).await,
            multiplexed(&connection, &payload).await,
        );
        // The first round warms up.
        if round > 0 {
            a.push(times.0);
            b.push(times.1);
            c.push(times.2);
        }
    }
    let (ours, pipelined, multiplexed) = (rate(a), rate(b), rate(c));
    println!("broker, {PUBLISHERS} publishers that wait for each message: {ours:.0}/s");
    println!("bare PUBLISH, 4 pipelines of 64 in flight:              {pipelined:.0}/s");
    println!("bare PUBLISH, {PUBLISHERS} tasks on one multiplexed connection: {multiplexed:.0}/s");
    println!(
        "ratio to pipelined {:.2}, to multiplexed {:.2}",
        ours / pipelined,
        ours / multiplexed
    );
}
