//! Publishing through the broker against a bare pipelined `PUBLISH`, in one run.
//!
//! `cargo bench -p jstack-runtime --features redis --bench redis_publish`; needs `redis-server`.
//! All sides publish 100 bytes of JSON to the same channels, on one connection, with 256 messages
//! on their way at any time, in rounds that take turns; the medians are compared. The broker
//! gathers messages of one channel that wait together, so there is a case with one channel, one
//! with a hundred, where little is gathered, one with as many as there are publishers, where
//! nothing is, and one with a subscriber, who takes them apart. The subscriber of the other side
//! looks at nothing.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement, not part of the library"
)]

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use jstack_runtime::Redis;
use jstack_runtime::broker::{Broker, Channel, Publication, Scope, Sink};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, PushInfo, PushKind};
use tokio::sync::Notify;

const ROUNDS: usize = 15;
/// Those who publish at the same time, each waiting for its answer.
const PUBLISHERS: usize = 256;
/// Of each publisher in a round.
const MESSAGES: usize = 234;
/// Pipelines that are on their way at the same time.
const PIPELINES: usize = 4;

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Counts what arrives.
#[derive(Default)]
struct Heard {
    count: AtomicUsize,
    all: Notify,
}

impl Heard {
    fn one(&self) {
        if self.count.fetch_add(1, Ordering::Relaxed) + 1 == PUBLISHERS * MESSAGES {
            self.all.notify_one();
        }
    }

    /// Waits for the messages of a round.
    async fn round(&self) {
        self.all.notified().await;
        self.count.store(0, Ordering::Relaxed);
    }
}

impl Sink for Heard {
    fn deliver(&self, _: &Publication<'_>) {
        self.one();
    }

    fn gap(&self, _: Channel<'_>, messages: Option<u64>) {
        println!("a gap of {messages:?} messages: what follows is wrong");
    }
}

fn json() -> Vec<u8> {
    format!("[\"message\",{{\"text\":\"{}\"}}]", "x".repeat(77)).into_bytes()
}

fn room(n: usize) -> String {
    format!("general-{n:02}")
}

/// Every publisher waits for its own message before it sends the next.
async fn broker(redis: &Arc<Redis>, rooms: usize) {
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|n| {
            let redis = redis.clone();
            tokio::spawn(async move {
                let (json, room, mut scratch) = (json(), room(n % rooms), Vec::new());
                let channel = Channel { procedure: "post/chat", scope: Scope::Room(&room) };
                for _ in 0..MESSAGES {
                    let message = Publication::new(channel, &json, &mut scratch);
                    redis.publish(&[message], &Heard::default()).await.unwrap();
                }
            })
        })
        .collect();
    for publisher in publishers {
        publisher.await.unwrap();
    }
}

/// As long as our envelope around the same text.
fn payload() -> Vec<u8> {
    [vec![1; 18], json()].concat()
}

fn channel(n: usize) -> String {
    format!("jstack:post/chat:room:{}", room(n))
}

/// Pipelines that are sent when the one before is answered.
async fn pipelined(connection: &MultiplexedConnection, rooms: usize) {
    let tasks: Vec<_> = (0..PIPELINES)
        .map(|_| {
            let (mut connection, payload) = (connection.clone(), payload());
            let channels: Vec<_> = (0..rooms).map(channel).collect();
            tokio::spawn(async move {
                let mut channels = channels.iter().cycle();
                for _ in 0..MESSAGES {
                    let mut pipeline = redis::pipe();
                    for channel in channels.by_ref().take(PUBLISHERS / PIPELINES) {
                        pipeline.cmd("PUBLISH").arg(channel).arg(&payload).ignore();
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

/// As many tasks as publishers on the library's multiplexed connection, one command each.
async fn multiplexed(connection: &MultiplexedConnection, rooms: usize) {
    let tasks: Vec<_> = (0..PUBLISHERS)
        .map(|n| {
            let (mut connection, payload) = (connection.clone(), payload());
            let channel = channel(n % rooms);
            tokio::spawn(async move {
                for _ in 0..MESSAGES {
                    let mut publish = redis::cmd("PUBLISH");
                    publish.arg(&channel).arg(&payload);
                    publish.exec_async(&mut connection).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// Wall time and CPU of the rounds of one side.
#[derive(Default)]
struct Side {
    took: Vec<Duration>,
    cpu: u64,
}

impl Side {
    async fn round(&mut self, redis: u32, counts: bool, run: impl Future<Output = ()>) {
        let (since, before) = (Instant::now(), cpu("self") + cpu(&redis.to_string()));
        run.await;
        // The first round warms up.
        if counts {
            self.took.push(since.elapsed());
            self.cpu += cpu("self") + cpu(&redis.to_string()) - before;
        }
    }

    /// Messages in a second, by the median of the rounds.
    fn rate(&mut self) -> f64 {
        self.took.sort();
        let count = u32::try_from(MESSAGES * PUBLISHERS).unwrap();
        f64::from(count) / self.took[self.took.len() / 2].as_secs_f64()
    }
}

/// Milliseconds of CPU that a process has used so far.
fn cpu(process: &str) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // User and kernel time, in hundredths of a second.
    [11, 12].iter().map(|&at: &usize| fields[at].parse::<u64>().unwrap()).sum::<u64>() * 10
}

fn print(case: &str, sides: [(&str, Side); 2]) {
    let [ours, bare] = sides.map(|(name, mut side)| {
        let (rate, cpu) = (side.rate(), side.cpu);
        println!("{case}, {name}: {rate:.0}/s, CPU of client and Redis {cpu} ms");
        (rate, cpu)
    });
    #[allow(clippy::cast_precision_loss, reason = "for people")]
    let cpu = bare.1 as f64 / ours.1 as f64;
    println!("{case}: ratio {:.2} by wall, {cpu:.2} by CPU", ours.0 / bare.0);
}

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--save", "", "--appendonly", "no"])
        .stdout(Stdio::null())
        .spawn();
    let server = Server(server.unwrap());
    let pid = server.0.id();
    let url = format!("redis://127.0.0.1:{port}");
    let redis = loop {
        match Redis::connect(&url).await {
            Ok(redis) => break Arc::new(redis),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    let client = redis::Client::open(format!("{url}/?protocol=resp3")).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    for (case, rooms) in [("1 channel", 1), ("100 channels", 100), ("256 channels", 256)] {
        let [mut ours, mut bare, mut tasks] = std::array::from_fn(|_| Side::default());
        for round in 0..=ROUNDS {
            ours.round(pid, round > 0, broker(&redis, rooms)).await;
            bare.round(pid, round > 0, pipelined(&connection, rooms)).await;
            tasks.round(pid, round > 0, multiplexed(&connection, rooms)).await;
        }
        let one = format!("one command each, {:.0}/s", tasks.rate());
        println!("{case}, bare PUBLISH by {PUBLISHERS} tasks, {one}");
        print(case, [("broker", ours), ("bare pipelined PUBLISH", bare)]);
    }

    // Both to nobody but their own subscriber: the names of the channels differ.
    let (heard, bare_heard) = (Arc::new(Heard::default()), Arc::new(Heard::default()));
    let other = Redis::connect(&url).await.unwrap().prefix("subscribed");
    let redis = Arc::new(Redis::connect(&url).await.unwrap().prefix("subscribed"));
    let general = room(0);
    let procedure = Channel { procedure: "post/chat", scope: Scope::Room(&general) };
    other.subscribe(procedure, heard.clone()).await.unwrap();
    let hears = bare_heard.clone();
    let config = AsyncConnectionConfig::new().set_push_sender(move |info: PushInfo| {
        if info.kind == PushKind::Message {
            hears.one();
        }
        Ok::<_, ()>(())
    });
    let subscriber = client.get_multiplexed_async_connection_with_config(&config).await;
    let mut subscriber = subscriber.unwrap();
    subscriber.subscribe(channel(0)).await.unwrap();
    let (mut ours, mut bare) = (Side::default(), Side::default());
    for round in 0..=ROUNDS {
        let run = async { _ = tokio::join!(broker(&redis, 1), heard.round()) };
        ours.round(pid, round > 0, run).await;
        let run = async { _ = tokio::join!(pipelined(&connection, 1), bare_heard.round()) };
        bare.round(pid, round > 0, run).await;
    }
    let sides = [("broker", ours), ("bare pipelined PUBLISH", bare)];
    print("1 channel and a subscriber", sides);
}
