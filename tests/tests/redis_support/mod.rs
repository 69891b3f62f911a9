//! A Redis of a test's own, processes in one program, and what they heard.

#![allow(dead_code, unreachable_pub, reason = "each suite uses its part")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

pub mod churn;
pub mod cluster;
pub mod fake;
pub mod lossy;
pub mod oracle;
pub mod proxy;
pub mod sentinel;

use std::collections::HashMap;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jstack_runtime::broker::{Broker, Channel, Publication, Scope, Sink};
use jstack_runtime::{Redis, Result};
use tokio::sync::Notify;

/// A redis-server on a port of its own, ended with the test.
pub struct Server {
    pub port: u16,
    dir: PathBuf,
    args: Vec<String>,
    child: Option<Child>,
}

impl Server {
    /// Starts one and waits until it answers.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    pub fn start_with(args: &[&str]) -> Self {
        Self::start_at(free_port(), args)
    }

    pub fn start_at(port: u16, args: &[&str]) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("jstack-redis-{}-{count}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let args = args.iter().map(|&arg| arg.to_owned()).collect();
        let mut server = Self { port, dir, args, child: None };
        server.run();
        server
    }

    /// Starts it (again) on its port, and waits until it answers.
    pub fn run(&mut self) {
        assert!(self.child.is_none(), "it runs");
        let log = fs::File::create(self.dir.join("log")).unwrap();
        let port = self.port.to_string();
        let child = Command::new("redis-server")
            .args(["--port", &port, "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"])
            .args(&self.args)
            .current_dir(&self.dir)
            .stdout(log)
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        self.child = Some(child);
        let until = Instant::now() + Duration::from_secs(40);
        let answers = |text: &str| text.trim() == "PONG" || text.contains("NOAUTH");
        while !answers(&self.cli(&["ping"])) {
            assert!(
                Instant::now() < until,
                "redis-server does not answer; see {}",
                self.dir.display()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Starts it again with other settings.
    pub fn run_with(&mut self, args: &[&str]) {
        self.args = args.iter().map(|&arg| arg.to_owned()).collect();
        self.run();
    }

    pub fn is_running(&self) -> bool {
        self.child.is_some()
    }

    /// Ends it as a power cut does.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Sends it a signal: `STOP`, `CONT`.
    pub fn signal(&self, signal: &str) {
        kill(self.child.as_ref().expect("it runs").id(), signal);
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// What redis-cli answers.
    pub fn cli(&self, args: &[&str]) -> String {
        let port = self.port.to_string();
        let out = Command::new("redis-cli").args(["-p", &port]).args(args).output();
        String::from_utf8_lossy(&out.expect("redis-cli is installed").stdout).into_owned()
    }

    /// The connections of our processes.
    pub fn connections(&self) -> Vec<String> {
        let list = self.cli(&["client", "list"]);
        let ours = list
            .lines()
            .filter(|line| line.contains("lib-name=redis-rs") || !line.contains("cmd=client"));
        ours.map(str::to_owned).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// Sends a signal to a process that the test started.
pub fn kill(pid: u32, signal: &str) {
    let done = Command::new("kill").args([format!("-{signal}"), pid.to_string()]).status().unwrap();
    assert!(done.success());
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// One process: a broker, and the rooms of one procedure.
pub struct Process {
    pub broker: Arc<dyn Broker>,
    pub rooms: Arc<Rooms>,
    procedure: String,
}

/// What the members of rooms heard, as the hub does it: messages to rooms without members are
/// nobody's.
#[derive(Default)]
pub struct Rooms {
    logs: Mutex<HashMap<String, Log>>,
    heard: Notify,
}

#[derive(Default, Clone)]
pub struct Log {
    joined: bool,
    pub items: Vec<Item>,
}

/// What a member heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    Message(String),
    Gap(Option<u64>),
}

pub fn name(scope: Scope<'_>) -> String {
    match scope {
        Scope::All => "all".to_owned(),
        Scope::Room(room) => format!("room {room}"),
        Scope::Node(node) => format!("node {node}"),
        _ => unreachable!(),
    }
}

impl Sink for Rooms {
    fn deliver(&self, message: &Publication<'_>) {
        let text = std::str::from_utf8(message.json()).unwrap();
        let mut parts = vec![text.to_owned()];
        parts.extend(message.only.map(|id| format!("only {id}")));
        parts.extend(message.except.iter().map(|id| format!("except {id}")));
        parts.extend(message.except_rooms.iter().map(|room| format!("except room {room}")));
        self.log(message.channel.scope, Item::Message(parts.join(", ")));
    }

    fn gap(&self, channel: Channel<'_>, messages: Option<u64>) {
        self.log(channel.scope, Item::Gap(messages));
    }
}

impl Rooms {
    fn log(&self, scope: Scope<'_>, item: Item) {
        if let Some(log) = self.logs.lock().unwrap().get_mut(&name(scope)).filter(|log| log.joined)
        {
            log.items.push(item);
        }
        self.heard.notify_waiters();
    }

    pub fn items(&self, scope: Scope<'_>) -> Vec<Item> {
        self.logs.lock().unwrap().get(&name(scope)).map(|log| log.items.clone()).unwrap_or_default()
    }

    /// Waits until the log of `scope` is as `enough` says, and returns it.
    pub async fn until(&self, scope: Scope<'_>, enough: impl Fn(&[Item]) -> bool) -> Vec<Item> {
        let wait = async {
            loop {
                let heard = self.heard.notified();
                let mut heard = std::pin::pin!(heard);
                heard.as_mut().enable();
                let items = self.items(scope);
                if enough(&items) {
                    return items;
                }
                heard.await;
            }
        };
        match tokio::time::timeout(Duration::from_mins(1), wait).await {
            Ok(items) => items,
            Err(_elapsed) => panic!("never heard enough: {:?}", self.items(scope)),
        }
    }

    fn set_joined(&self, scope: Scope<'_>, joined: bool) {
        self.logs.lock().unwrap().entry(name(scope)).or_default().joined = joined;
    }
}

impl Process {
    pub fn new(broker: Arc<dyn Broker>) -> Self {
        Self { broker, rooms: Arc::default(), procedure: "post/chat".to_owned() }
    }

    pub fn redis(server: &Server) -> Self {
        Self::new(Arc::new(Redis::new(&server.url()).unwrap()))
    }

    pub fn cluster(cluster: &cluster::Cluster) -> Self {
        Self::new(Arc::new(Redis::new(&cluster.url()).unwrap()))
    }

    pub fn of(mut self, procedure: &str) -> Self {
        procedure.clone_into(&mut self.procedure);
        self
    }

    pub fn channel<'a>(&'a self, scope: Scope<'a>) -> Channel<'a> {
        Channel { procedure: &self.procedure, scope }
    }

    pub async fn join(&self, scope: Scope<'_>) -> Result {
        self.broker.subscribe(self.channel(scope), self.rooms.clone()).await?;
        self.rooms.set_joined(scope, true);
        Ok(())
    }

    pub fn leave(&self, scope: Scope<'_>) {
        self.rooms.set_joined(scope, false);
        self.broker.unsubscribe(self.channel(scope), &*self.rooms);
    }

    /// Publishes `["n",data]`.
    pub fn publish(&self, scope: Scope<'_>, json: &str) -> impl Future<Output = Result> + use<> {
        let mut scratch = Vec::new();
        let message = Publication::new(self.channel(scope), json.as_bytes(), &mut scratch);
        self.broker.publish(&[message], &*self.rooms).into_future()
    }
}

/// What operators read of an error.
pub fn reason(error: &jstack_runtime::Error) -> String {
    error.cause().map(ToString::to_string).unwrap_or_default()
}

/// Waits until `is` returns true.
pub async fn until(what: &str, mut is: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(40);
    while !is() {
        assert!(Instant::now() < until, "never: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

pub fn text(n: u64) -> String {
    format!("[\"n\",{n}]")
}

pub fn message(n: u64) -> Item {
    Item::Message(text(n))
}

/// Numbers from a seed, the same in every run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap() % bound
    }
}
