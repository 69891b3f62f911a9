//! Redis as it is deployed: a master, its replica, and three Sentinels.
//!
//! Each process reaches both servers on wires of its own. So it asks a Sentinel of its own, which
//! names the wire that leads to the master.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::redis_support::Server;
use crate::redis_support::fake::Fake;
use crate::redis_support::lossy::Lossy;
use crate::redis_support::sentinel::Sentinels;

/// A replica is up to date as soon as it can be.
const SETTINGS: [&str; 4] = ["--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"];
/// Sentinels that fail over only when they are asked to.
const PATIENT: Duration = Duration::from_mins(10);
const IMPATIENT: Duration = Duration::from_secs(1);

pub struct Deployment {
    servers: [Server; 2],
    sentinels: Sentinels,
    /// The port of the master, as each Sentinel names it.
    named: [Arc<AtomicU16>; 3],
}

/// The wires of one process to both servers.
pub struct Wires {
    servers: [(u16, Lossy); 2],
    sentinel: Fake,
}

impl Deployment {
    pub async fn start() -> Self {
        let master = Server::start_with(&SETTINGS);
        let replica = Server::start_with(&[&SETTINGS[..], &replica_of(master.port)].concat());
        let sentinels = Sentinels::start(&master, PATIENT).await;
        let named: [_; 3] = std::array::from_fn(|_| Arc::new(AtomicU16::new(master.port)));
        for (port, named) in sentinels.ports().into_iter().zip(&named) {
            tokio::spawn(follow(port, named.clone()));
        }
        let this = Self { servers: [master, replica], sentinels, named };
        assert!(this.is_settled_in(Duration::from_secs(20)).await);
        this
    }

    /// Where a program finds the master that nothing is done to.
    pub fn url(&self) -> String {
        self.sentinels.url()
    }

    pub async fn wires(&self, process: usize) -> Wires {
        let [one, other] = &self.servers;
        let servers = [
            (one.port, Lossy::start(one.port).await),
            (other.port, Lossy::start(other.port).await),
        ];
        let to = servers.each_ref().map(|(port, wire)| (*port, wire.port));
        let named = self.named[process % self.named.len()].clone();
        let sentinel = Fake::start(move |args| {
            (args[0] == "SENTINEL").then(|| {
                let named = named.load(Ordering::Acquire);
                let port = to.iter().find(|(port, _)| *port == named).unwrap().1.to_string();
                let host = "*2\r\n$9\r\n127.0.0.1\r\n";
                format!("{host}${}\r\n{port}\r\n", port.len()).into_bytes()
            })
        })
        .await;
        Wires { servers, sentinel }
    }

    /// Which server is the master, as most Sentinels say.
    fn master_index(&self) -> usize {
        let second = self.servers[1].port;
        let votes = self.named.iter().filter(|named| named.load(Ordering::Acquire) == second);
        usize::from(votes.count() >= 2)
    }

    pub fn master(&mut self) -> &mut Server {
        &mut self.servers[self.master_index()]
    }

    /// Starts a server again, in the role that the Sentinels want it to have.
    fn run(&mut self, server: usize) {
        let master = self.master_index();
        if master == server {
            self.servers[server].run_with(&SETTINGS);
        } else {
            let role = replica_of(self.servers[master].port);
            self.servers[server].run_with(&[&SETTINGS[..], &role].concat());
        }
    }

    /// Kills the master, and starts it again.
    pub async fn kill_for(&mut self, time: Duration) {
        let master = self.master_index();
        self.servers[master].kill();
        sleep(time).await;
        self.run(master);
    }

    /// Hands over as an operator does.
    pub async fn hand_over(&mut self) -> bool {
        let master = self.master_index();
        self.is_settled().await && self.sentinels.fail_over() && self.has_moved_from(master).await
    }

    /// Kills the master; the replica takes over. Where `lacks_tail`, it lacks what came last.
    pub async fn fail_over(&mut self, lacks_tail: bool) -> bool {
        let master = self.master_index();
        if !self.is_settled().await {
            return false;
        }
        if lacks_tail {
            self.servers[1 - master].cli(&["replicaof", "127.0.0.1", "1"]);
            sleep(Duration::from_secs(1)).await;
        }
        self.sentinels.set_patience(IMPATIENT);
        self.servers[master].kill();
        let moved = self.has_moved_from(master).await;
        self.sentinels.set_patience(PATIENT);
        self.run(master);
        moved
    }

    /// Stops the master; the replica takes over, and then there are two for a while.
    pub async fn split(&mut self) -> bool {
        let master = self.master_index();
        if !self.is_settled().await {
            return false;
        }
        self.sentinels.set_patience(IMPATIENT);
        self.servers[master].signal("STOP");
        let moved = self.has_moved_from(master).await;
        self.sentinels.set_patience(PATIENT);
        self.servers[master].signal("CONT");
        moved
    }

    /// Waits until all Sentinels name the other server.
    async fn has_moved_from(&self, master: usize) -> bool {
        let now = self.servers[1 - master].port;
        let until = Instant::now() + Duration::from_secs(20);
        while self.named.iter().any(|named| named.load(Ordering::Acquire) != now) {
            if Instant::now() > until {
                return false;
            }
            sleep(Duration::from_millis(50)).await;
        }
        true
    }

    /// Waits until all agree on the roles, and the replica is up to date.
    pub async fn is_settled(&self) -> bool {
        self.is_settled_in(Duration::from_secs(20)).await
    }

    async fn is_settled_in(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        loop {
            let master = self.master_index();
            let ports = self.named.each_ref().map(|named| named.load(Ordering::Acquire));
            let replica = self.servers[1 - master].cli(&["role"]);
            let settled = ports == [self.servers[master].port; 3]
                && self.servers[master].cli(&["role"]).starts_with("master")
                && replica.starts_with("slave")
                && replica.lines().any(|line| line.trim() == "connected");
            if settled || Instant::now() > until {
                return settled;
            }
            sleep(Duration::from_millis(200)).await;
        }
    }
}

impl Wires {
    pub fn url(&self) -> String {
        format!("redis+sentinel://127.0.0.1:{}/mymaster", self.sentinel.port)
    }

    pub fn cut(&self) {
        self.servers.iter().for_each(|(_, wire)| wire.cut());
    }

    /// The next so many messages that a server sends do not arrive.
    pub fn drop_messages(&self, server: u16, count: u64) {
        let wire = self.servers.iter().find(|(port, _)| *port == server);
        wire.unwrap().1.drop_messages(count);
    }

    pub fn drop_none(&self) {
        self.servers.iter().for_each(|(_, wire)| wire.drop_none());
    }
}

fn replica_of(port: u16) -> [&'static str; 3] {
    ["--replicaof", "127.0.0.1", port.to_string().leak()]
}

/// Asks a Sentinel again and again which server is the master.
async fn follow(sentinel: u16, named: Arc<AtomicU16>) {
    loop {
        if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", sentinel)).await {
            while let Some(port) = ask(&mut stream).await {
                named.store(port, Ordering::Release);
                sleep(Duration::from_millis(50)).await;
            }
        }
        sleep(Duration::from_millis(50)).await;
    }
}

async fn ask(stream: &mut TcpStream) -> Option<u16> {
    stream.write_all(b"SENTINEL GET-MASTER-ADDR-BY-NAME mymaster\r\n").await.ok()?;
    let mut answer = Vec::new();
    loop {
        let read = timeout(Duration::from_secs(2), stream.read_buf(&mut answer)).await;
        if !matches!(read, Ok(Ok(1..))) {
            return None;
        }
        // Two bulk strings: the host and the port.
        let text = std::str::from_utf8(&answer).ok()?;
        let lines: Vec<_> = text.split("\r\n").collect();
        if lines.len() == 6 {
            return lines[4].parse().ok();
        }
    }
}
