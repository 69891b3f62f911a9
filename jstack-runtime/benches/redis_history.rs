//! Publishing with history against the raw script called directly, in one run.
//!
//! `cargo bench -p jstack-runtime --features redis --bench redis_history`; needs `redis-server`.
//! Both sides publish 100 bytes of JSON to rooms that keep 100 messages, on one connection, with as
//! many messages on their way as there are publishers, in rounds that take turns; the medians are
//! compared. The raw script is what an application would write: it numbers (`HINCRBY`), stores
//! (`XADD` with `MAXLEN`), sets both expiries and publishes one message a call, pipelined. Where
//! every publisher has a room of its own, nothing can be gathered; in a burst to one room much can.
//! Rooms without history are beside a bare pipelined `PUBLISH` in the same rounds.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement, not part of the library"
)]

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jstack_runtime::Redis;
use jstack_runtime::broker::{Broker, Channel, Publication, Scope, Sink};
use jstack_runtime::history::{History, Keep};
use redis::aio::MultiplexedConnection;

const ROUNDS: usize = 9;
/// Those who publish at the same time, each waiting for its answer.
const PUBLISHERS: usize = 256;
/// Of each publisher in a round.
const MESSAGES: usize = 40;
/// Pipelines that are on their way at the same time.
const PIPELINES: usize = 4;
const KEEP: Keep = Keep { count: 100, age: Duration::from_mins(5) };

const SCRIPT: &str = "
    local offset = redis.call('HINCRBY', KEYS[2], 'o', 1)
    local epoch = redis.call('HGET', KEYS[2], 'e')
    if not epoch then epoch = ARGV[3] redis.call('HSET', KEYS[2], 'e', epoch) end
    redis.call('PEXPIRE', KEYS[2], 604800000)
    redis.call('XADD', KEYS[1], 'MAXLEN', 100, offset .. '-0', 'm', ARGV[2])
    redis.call('PEXPIRE', KEYS[1], 300000)
    redis.call('PUBLISH', ARGV[1], epoch .. ':' .. offset .. ':' .. ARGV[2])
    return offset";

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

struct Nobody;

impl Sink for Nobody {
    fn deliver(&self, _: &Publication<'_>) {}

    fn gap(&self, _: Channel<'_>, _: Option<u64>) {}
}

fn json() -> Vec<u8> {
    format!("[\"message\",{{\"text\":\"{}\"}}]", "x".repeat(77)).into_bytes()
}

/// Every publisher waits for its own message before it sends the next.
async fn by_broker(broker: &Arc<Redis>, history: Option<&Arc<dyn History>>, rooms: usize) {
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|n| {
            let (broker, history) = (broker.clone(), history.cloned());
            tokio::spawn(async move {
                let (json, room, mut scratch) = (json(), (n % rooms).to_string(), Vec::new());
                let channel = Channel { procedure: "post/chat", scope: Scope::Room(&room) };
                for _ in 0..MESSAGES {
                    let message = Publication::new(channel, &json, &mut scratch);
                    match &history {
                        Some(history) => history.publish(&[message], KEEP, &Nobody).await,
                        None => broker.publish(&[message], &Nobody).await,
                    }
                    .unwrap();
                }
            })
        })
        .collect();
    for publisher in publishers {
        publisher.await.unwrap();
    }
}

/// Pipelines of calls that are sent when the one before is answered: of the script with this digest,
/// or `PUBLISH`.
async fn raw(connection: &MultiplexedConnection, digest: Option<&str>, rooms: usize) {
    let tasks: Vec<_> = (0..PIPELINES)
        .map(|task| {
            let (mut connection, json, digest) =
                (connection.clone(), json(), digest.map(str::to_owned));
            tokio::spawn(async move {
                let each = PUBLISHERS / PIPELINES;
                for _ in 0..MESSAGES {
                    let mut pipeline = redis::pipe();
                    for n in 0..each {
                        let room = (task * each + n) % rooms;
                        let Some(digest) = &digest else {
                            pipeline.cmd("PUBLISH").arg(format!("raw:{room}")).arg(&json).ignore();
                            continue;
                        };
                        let call = pipeline.cmd("EVALSHA").arg(digest).arg(2);
                        call.arg(format!("{{raw:{room}}}:log")).arg(format!("{{raw:{room}}}:meta"));
                        call.arg(format!("raw:{room}")).arg(&json).arg("0123456789abcdef").ignore();
                    }
                    pipeline.exec_async(&mut connection).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Messages in a second, by the median of the rounds.
fn rate(mut took: Vec<Duration>) -> f64 {
    took.sort();
    let count = u32::try_from(MESSAGES * PUBLISHERS).unwrap();
    f64::from(count) / took[took.len() / 2].as_secs_f64()
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
    let broker = loop {
        match Redis::connect(&url).await {
            Ok(redis) => break redis,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    let (ours, broker) = (broker.history().unwrap(), Arc::new(broker));
    let client = redis::Client::open(format!("{url}/?protocol=resp3")).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut load = redis::cmd("SCRIPT");
    load.arg("LOAD").arg(SCRIPT);
    let digest: String = load.query_async(&mut connection).await.unwrap();
    for (case, rooms) in [("256 rooms", 256), ("16 rooms", 16), ("1 room", 1)] {
        let mut took: [Vec<Duration>; 4] = Default::default();
        for round in 0..=ROUNDS {
            let mut times = [Duration::ZERO; 4];
            for (n, (history, digest)) in
                [(Some(&ours), Some(&*digest)), (None, None)].into_iter().enumerate()
            {
                let since = Instant::now();
                by_broker(&broker, history, rooms).await;
                let between = Instant::now();
                raw(&connection, digest, rooms).await;
                times[2 * n..2 * n + 2].copy_from_slice(&[between - since, between.elapsed()]);
            }
            // The first round warms up.
            if round > 0 {
                took.iter_mut().zip(times).for_each(|(took, time)| took.push(time));
            }
        }
        let [ours, script, without, publish] = took.map(rate);
        println!(
            "{case}: history {ours:.0}/s, raw script {script:.0}/s, ratio {:.2}",
            ours / script
        );
        let ratio = without / publish;
        println!("{case}: no history {without:.0}/s, PUBLISH {publish:.0}/s, ratio {ratio:.2}");
    }
}
