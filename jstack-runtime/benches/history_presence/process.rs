//! Processes that are started here, and what the kernel and Redis know about them.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::time::sleep;

/// The port of a server, and the Redis that it shares, if any.
pub const PORT: &str = "JSTACK_BENCH_PORT";
pub const REDIS: &str = "JSTACK_BENCH_REDIS";

/// A process, ended with this value.
pub struct Process {
    child: Child,
    pub port: u16,
}

impl Process {
    pub async fn redis() -> Self {
        let port = free_port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--save", "", "--appendonly", "no"])
            .args(["--bind", "127.0.0.1"])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let this = Self { child, port };
        this.until_it_listens().await;
        this
    }

    /// A server at this port, with this Redis or with the embedded broker.
    pub async fn server(port: u16, redis: Option<&Self>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(PORT, port.to_string()).stdout(Stdio::null());
        if let Some(redis) = redis {
            command.env(REDIS, redis.url());
        }
        let this = Self { child: command.spawn().unwrap(), port };
        this.until_it_listens().await;
        this
    }

    async fn until_it_listens(&self) {
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            assert!(Instant::now() < until, "nobody listens at {}", self.port);
            sleep(Duration::from_millis(5)).await;
        }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// CPU time that it has spent.
    pub fn cpu(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        // A hundred ticks a second, as on every Linux of today.
        Duration::from_millis(ticks * 10)
    }

    /// A field of its status in KiB: `VmRSS` now, `VmHWM` at most.
    pub fn memory(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(field)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    fn cli(&self, args: &[&str]) -> String {
        let port = self.port.to_string();
        let out = Command::new("redis-cli").args(["-p", &port]).args(args).output();
        String::from_utf8_lossy(&out.expect("redis-cli is installed").stdout).into_owned()
    }

    pub fn reset_stats(&self) {
        self.cli(&["config", "resetstat"]);
    }

    /// How often each command was called since the statistics began, the most frequent first.
    pub fn commands(&self) -> Vec<(String, u64)> {
        let info = self.cli(&["info", "commandstats"]);
        let mut calls: BTreeMap<String, u64> = BTreeMap::new();
        for line in info.lines() {
            let Some((name, rest)) =
                line.strip_prefix("cmdstat_").and_then(|it| it.split_once(":calls="))
            else {
                continue;
            };
            let count = rest.split(',').next().unwrap().parse::<u64>().unwrap();
            if !matches!(name, "info" | "config|resetstat") {
                *calls.entry(name.to_owned()).or_default() += count;
            }
        }
        let mut calls: Vec<_> = calls.into_iter().collect();
        calls.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        calls
    }

    /// Bytes that Redis has read and written.
    pub fn bytes(&self) -> [u64; 2] {
        let info = self.cli(&["info", "stats"]);
        ["total_net_input_bytes:", "total_net_output_bytes:"].map(|name| {
            let line = info.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().parse().unwrap()
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
