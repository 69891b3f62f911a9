//! A Redis Cluster of a test's own: three masters and as many replicas.

use std::process::Command;
use std::time::{Duration, Instant};

use super::{Server, free_port};

/// Masters first, then their replicas in the same order; all ended with the test.
pub struct Cluster {
    pub servers: Vec<Server>,
}

/// One of its servers, as it was when asked.
#[derive(Clone, Debug)]
pub struct Member {
    pub id: String,
    pub port: u16,
    pub is_master: bool,
}

impl Cluster {
    /// Starts one and waits until every server knows of all slots and replicas.
    pub fn start() -> Self {
        let servers: Vec<_> = (0..6).map(|_| start_member()).collect();
        let cluster = Self { servers };
        let hosts = cluster.servers.iter().map(|server| format!("127.0.0.1:{}", server.port));
        let created = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(hosts)
            .args(["--cluster-replicas", "1", "--cluster-yes"])
            .output()
            .unwrap();
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stdout));
        cluster.settle();
        cluster
    }

    /// Waits until all servers that run agree that the cluster is well.
    pub fn settle(&self) {
        let is_well = |server: &Server| {
            let info = server.cli(&["cluster", "info"]);
            let nodes = server.cli(&["cluster", "nodes"]);
            info.contains("cluster_state:ok")
                && info.contains("cluster_known_nodes:6")
                && nodes.matches(" slave ").count() + nodes.matches(",slave ").count() == 3
                && !nodes.contains("handshake")
        };
        let since = Instant::now();
        while !self.servers.iter().all(is_well) {
            assert!(
                since.elapsed() < Duration::from_secs(20),
                "{}",
                self.servers[0].cli(&["cluster", "nodes"])
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        // Replicas are up to date, or they could not take over.
        while !self.servers.iter().all(|server| {
            let role = server.cli(&["role"]);
            role.starts_with("master") || role.contains("connected")
        }) {
            assert!(since.elapsed() < Duration::from_secs(20), "replicas follow their masters");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Where it is: one server is enough, two survive the loss of one.
    pub fn url(&self) -> String {
        let ports = [self.servers[0].port, self.servers[1].port];
        format!("redis+cluster://127.0.0.1:{},127.0.0.1:{}", ports[0], ports[1])
    }

    /// What `server` says of all of them.
    pub fn members(&self, server: usize) -> Vec<Member> {
        let nodes = self.servers[server].cli(&["cluster", "nodes"]);
        let of = |line: &str| {
            let fields: Vec<_> = line.split(' ').collect();
            let port = fields[1].split(['@', ',']).next()?.rsplit_once(':')?.1.parse().ok()?;
            let is_master = fields[2].contains("master") && !fields[2].contains("fail");
            Some(Member { id: fields[0].to_owned(), port, is_master })
        };
        nodes.lines().filter_map(of).collect()
    }

    pub fn server(&self, port: u16) -> &Server {
        self.servers.iter().find(|server| server.port == port).unwrap()
    }

    /// The slot of a channel, and the index of the server that carries it, as `asked` says.
    pub fn carrier(&self, asked: usize, channel: &str) -> (u16, usize) {
        let slot = self.servers[asked].cli(&["cluster", "keyslot", channel]);
        let slot: u16 = slot.trim().parse().unwrap();
        let since = Instant::now();
        loop {
            // While servers change hands there may be a moment in which nobody does.
            let nodes = self.servers[asked].cli(&["cluster", "nodes"]);
            if let Some(port) = nodes.lines().find_map(|line| port_if_it_carries(line, slot)) {
                return (slot, self.servers.iter().position(|s| s.port == port).unwrap());
            }
            assert!(since.elapsed() < Duration::from_secs(5), "nobody carries {slot}: {nodes}");
        }
    }

    /// Moves a slot as `redis-cli --cluster reshard` does.
    pub fn move_slot(&self, slot: u16, from: usize, to: usize) {
        let (slot, members) = (slot.to_string(), self.members(to));
        let id = |server: usize| {
            let port = self.servers[server].port;
            members.iter().find(|member| member.port == port).unwrap().id.clone()
        };
        let (source, target) = (id(from), id(to));
        let set = |server: usize, state: &[&str]| {
            let answer =
                self.servers[server].cli(&[&["cluster", "setslot", &slot], state].concat());
            assert_eq!(answer.trim(), "OK", "{state:?}");
        };
        set(to, &["importing", &source]);
        set(from, &["migrating", &target]);
        set(to, &["node", &target]);
        set(from, &["node", &target]);
    }

    /// The channels of rooms that any master sends to anybody, with how many it sends them to.
    pub fn subscribed(&self) -> Vec<(String, u64)> {
        let mut channels = Vec::new();
        for server in self.servers.iter().filter(|server| server.is_running()) {
            let names = server.cli(&["pubsub", "shardchannels", "jstack:post/chat:room:*"]);
            let names: Vec<_> = names.lines().map(str::trim).filter(|n| !n.is_empty()).collect();
            for names in names.chunks(500) {
                let counts = server.cli(&[&["pubsub", "shardnumsub"], names].concat());
                let counts: Vec<_> = counts.lines().collect();
                channels.extend(
                    counts.chunks(2).map(|pair| (pair[0].to_owned(), pair[1].parse().unwrap())),
                );
            }
        }
        channels.sort();
        channels
    }
}

/// The port of the master in a line of `CLUSTER NODES`, if it carries the slot.
fn port_if_it_carries(line: &str, slot: u16) -> Option<u16> {
    let fields: Vec<_> = line.split(' ').collect();
    let carries = fields.get(8..)?.iter().any(|range| match range.split_once('-') {
        // What is in brackets is on its way.
        _ if range.starts_with('[') => false,
        Some((first, last)) => (first.parse().unwrap()..=last.parse().unwrap()).contains(&slot),
        None => *range == slot.to_string(),
    });
    let port = fields[1].split(['@', ',']).next()?.rsplit_once(':')?.1.parse().ok()?;
    (carries && fields[2].contains("master")).then_some(port)
}

/// A server of a cluster; the port of its bus, 10,000 higher, must be free as well.
fn start_member() -> Server {
    let port = loop {
        let port = free_port();
        if port < 50_000 && std::net::TcpListener::bind(("127.0.0.1", port + 10_000)).is_ok() {
            break port;
        }
    };
    let args = [
        "--cluster-enabled",
        "yes",
        "--cluster-node-timeout",
        "1000",
        "--repl-diskless-sync-delay",
        "0",
    ];
    Server::start_at(port, &args)
}
