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
use crate::deployment::{Deployment, Wires};
use crate::redis_support::lossy::Lossy;
use crate::redis_support::{Random, free_port, kill};

/// What a process logs where messages to single connections may be missing.
pub const SINGLE: &str = "(single connections)";

/// A gap that a process has logged.
#[derive(Clone, Debug)]
pub struct LoggedGap {
    /// Which process.
    pub process: usize,
    pub room: String,
    pub at: Instant,
}

type Gaps = Arc<Mutex<Vec<LoggedGap>>>;

/// One process, the wires from it to Redis, and the wire from its clients.
struct Process {
    child: Child,
    redis: Wires,
    clients: Lossy,
    port: u16,
}

pub struct Faults {
    pub redis: Deployment,
    processes: Vec<Process>,
    gaps: Gaps,
    pub counts: BTreeMap<&'static str, u32>,
}

const PROCESSES: usize = 3;

impl Faults {
    pub async fn start() -> Self {
        let (redis, gaps) = (Deployment::start().await, Gaps::default());
        let mut processes = Vec::new();
        for n in 0..PROCESSES {
            let (to_redis, port) = (redis.wires(n).await, free_port());
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
        let is_long = crate::setting("SECONDS", 30) >= 300;
        let name = match random.below(if is_long { 26 } else { 18 }) {
            // Short runs have one failover.
            _ if self.counts.is_empty() => self.failover(0).await,
            0..8 => self.of_redis(random).await,
            which @ 8..12 => self.of_a_process(which, random).await,
            12 | 13 => {
                clients.cut_one(random);
                "a client cut off"
            }
            14..18 => {
                let process = random.below(PROCESSES);
                let master = self.redis.master().port;
                self.processes[process].redis.drop_messages(master, 1 + random.below(6) as u64);
                "frames dropped"
            }
            18 => {
                self.redis.kill_for(Duration::from_secs(20)).await;
                "Redis killed for 20 s"
            }
            19 => {
                self.pause(random.below(PROCESSES), Duration::from_secs(12)).await;
                "a process stopped for 12 s"
            }
            which => self.failover(which - 20).await,
        };
        if std::env::var_os("JSTACK_ORACLE_LOUD").is_some() {
            println!("fault: {name}");
        }
        *self.counts.entry(name).or_default() += 1;
    }

    async fn of_redis(&mut self, random: &mut Random) -> &'static str {
        match random.below(8) {
            0 | 1 => {
                self.redis.kill_for(Duration::from_secs(2)).await;
                "Redis killed for 2 s"
            }
            2 => {
                let master = self.redis.master();
                master.signal("STOP");
                sleep(Duration::from_secs(6)).await;
                master.signal("CONT");
                "Redis stopped for 6 s"
            }
            3 | 4 => {
                self.redis.master().cli(&["client", "kill", "type", "pubsub"]);
                "subscribers cut off"
            }
            5 => {
                self.redis.master().cli(&["client", "kill", "type", "normal"]);
                "publishers cut off"
            }
            6 => {
                self.redis.master().cli(&["script", "flush"]);
                "scripts flushed"
            }
            _ => {
                self.redis.master().cli(&["flushall"]);
                "Redis emptied"
            }
        }
    }

    async fn of_a_process(&mut self, which: usize, random: &mut Random) -> &'static str {
        let n = random.below(PROCESSES);
        match which {
            8 => {
                self.processes[n].child.kill().await.unwrap();
                self.processes[n].child = self.serve_again(n).await;
                "a process killed"
            }
            9 => {
                self.pause(n, Duration::from_secs(3)).await;
                "a process stopped for 3 s"
            }
            10 => {
                self.processes[n].redis.cut();
                "a process cut off from Redis"
            }
            _ => {
                self.processes[n].clients.cut();
                "all clients of a process cut off"
            }
        }
    }

    /// The replica becomes the master. Redis confirms what a replica has not got yet, so that may be
    /// lost.
    async fn failover(&mut self, which: usize) -> &'static str {
        let (is_done, name) = match which {
            0 | 1 => (self.redis.hand_over().await, "failover on request"),
            2 | 3 => (self.redis.fail_over(false).await, "failover of a killed master"),
            4 => (self.redis.fail_over(true).await, "failover to a replica that lacks the tail"),
            _ => (self.redis.split().await, "failover of a master that continues later"),
        };
        if is_done { name } else { "failover refused" }
    }

    async fn pause(&self, process: usize, time: Duration) {
        let pid = self.processes[process].child.id().unwrap();
        kill(pid, "STOP");
        sleep(time).await;
        kill(pid, "CONT");
    }

    async fn serve_again(&self, n: usize) -> Child {
        let process = &self.processes[n];
        serve(n, &process.redis, process.port, &self.gaps).await
    }

    /// Waits until every process is ready again, and drops nothing any more.
    pub async fn heal(&self) {
        assert!(self.redis.is_settled().await, "Redis has a master and a replica again");
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
async fn serve(n: usize, redis: &Wires, port: u16, gaps: &Gaps) -> Child {
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
            let is_of_room = line.contains("messages of a room are lost");
            let named = || line.split("room=\"").nth(1)?.split('"').next();
            let room = if line.contains("messages from other processes may be missing") {
                Some(SINGLE)
            } else if is_of_room {
                named()
            } else {
                None
            };
            if let Some(room) = room {
                let gap = LoggedGap { process: n, room: room.to_owned(), at: Instant::now() };
                gaps.lock().unwrap().push(gap);
            }
        }
    });
    child
}
