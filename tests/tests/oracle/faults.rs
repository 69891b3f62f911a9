//! Everything that can fail.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::app::{PORT, URL};
use crate::clients::Clients;
use crate::redis_support::lossy::Lossy;
use crate::redis_support::{Random, Server, free_port, kill};

/// A gap that a process has logged.
#[derive(Clone, Debug)]
pub struct LoggedGap {
    /// Which process.
    pub process: usize,
    pub room: String,
    pub at: Instant,
}

type Gaps = Arc<Mutex<Vec<LoggedGap>>>;

/// One process, the wire from it to Redis, and the wire from its clients.
struct Process {
    child: Child,
    redis: Lossy,
    clients: Lossy,
    port: u16,
}

pub struct Faults {
    pub redis: Server,
    processes: Vec<Process>,
    gaps: Gaps,
    pub counts: BTreeMap<&'static str, u32>,
}

const PROCESSES: usize = 3;

impl Faults {
    pub async fn start(redis: Server) -> Self {
        let gaps = Gaps::default();
        let mut processes = Vec::new();
        for n in 0..PROCESSES {
            let (to_redis, port) = (Lossy::start(redis.port).await, free_port());
            let clients = Lossy::plain(port).await;
            let child = serve(n, &to_redis, port, &gaps).await;
            processes.push(Process { child, redis: to_redis, clients, port });
        }
        Self { redis, processes, gaps, counts: BTreeMap::new() }
    }

    /// Where clients connect.
    pub fn addresses(&self) -> Vec<u16> {
        self.processes.iter().map(|process| process.clients.port).collect()
    }

    pub fn gaps(&self) -> Vec<LoggedGap> {
        self.gaps.lock().unwrap().clone()
    }

    /// One fault at random. It may last.
    pub async fn one(&mut self, random: &mut Random, clients: &Clients) {
        let n = random.below(PROCESSES);
        let long = crate::setting("SECONDS", 30) >= 300;
        let name = match random.below(if long { 20 } else { 18 }) {
            0 | 1 => {
                self.redis.kill();
                sleep(Duration::from_secs(2)).await;
                self.redis.run();
                "Redis killed for 2 s"
            }
            2 => {
                self.redis.signal("STOP");
                sleep(Duration::from_secs(6)).await;
                self.redis.signal("CONT");
                "Redis stopped for 6 s"
            }
            3 | 4 => {
                self.redis.cli(&["client", "kill", "type", "pubsub"]);
                "subscribers cut off"
            }
            5 => {
                self.redis.cli(&["client", "kill", "type", "normal"]);
                "publishers cut off"
            }
            6 => {
                self.redis.cli(&["script", "flush"]);
                "scripts flushed"
            }
            7 => {
                self.redis.cli(&["flushall"]);
                "Redis emptied"
            }
            8 => {
                self.processes[n].child.kill().await.unwrap();
                self.processes[n].child = self.serve_again(n).await;
                "a process killed"
            }
            9 => {
                let pid = self.processes[n].child.id().unwrap();
                kill(pid, "STOP");
                sleep(Duration::from_secs(3)).await;
                kill(pid, "CONT");
                "a process stopped for 3 s"
            }
            10 => {
                self.processes[n].redis.cut();
                "a process cut off from Redis"
            }
            11 => {
                self.processes[n].clients.cut();
                "all clients of a process cut off"
            }
            12 | 13 => {
                clients.cut_one(random);
                "a client cut off"
            }
            14..18 => {
                self.processes[n].redis.drop_messages(1 + random.below(6) as u64);
                "frames dropped"
            }
            18 => {
                self.redis.kill();
                sleep(Duration::from_secs(20)).await;
                self.redis.run();
                "Redis killed for 20 s"
            }
            _ => {
                let pid = self.processes[n].child.id().unwrap();
                kill(pid, "STOP");
                sleep(Duration::from_secs(12)).await;
                kill(pid, "CONT");
                "a process stopped for 12 s"
            }
        };
        *self.counts.entry(name).or_default() += 1;
    }

    async fn serve_again(&self, n: usize) -> Child {
        let process = &self.processes[n];
        serve(n, &process.redis, process.port, &self.gaps).await
    }

    /// Waits until every process is ready again, and drops nothing any more.
    pub async fn heal(&self) {
        for process in &self.processes {
            process.redis.drop_none();
            let until = Instant::now() + Duration::from_secs(30);
            while !is_ready(process.port).await {
                assert!(Instant::now() < until, "a process is not ready again");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn is_ready(port: u16) -> bool {
    let Ok(mut client) = jstack_tests::Client::tcp(([127, 0, 0, 1], port).into()).await else {
        return false;
    };
    let answer = client.ask(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
    answer.is_ok_and(|answer| answer.status == 200)
}

/// Starts a process, and notes the gaps that it logs.
async fn serve(n: usize, redis: &Lossy, port: u16, gaps: &Gaps) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "app::serves_until_killed", "--ignored", "--nocapture"])
        .env(URL, redis.url())
        .env(PORT, port.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while !lines.next_line().await.unwrap().expect("it serves").ends_with("serving") {}
    let gaps = gaps.clone();
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            if std::env::var_os("JSTACK_ORACLE_LOUD").is_some() {
                println!("[{n}] {line}");
            }
            if line.contains("messages of a room are lost")
                && let Some(room) = line.split("room=\"").nth(1).and_then(|it| it.split('"').next())
            {
                let gap = LoggedGap { process: n, room: room.to_owned(), at: Instant::now() };
                gaps.lock().unwrap().push(gap);
            }
        }
    });
    child
}
