//! A cluster: which of its servers carries which channel, found out and kept true.
//!
//! The client library's own cluster client is not used: it forgets channels whose slot moves, and
//! does not listen again after a failover. Here every master has a connection that listens and one
//! that publishes, as a single server has, and the [`Keeper`] alone says which is asked for what.

mod dialect;
mod reroute;
mod view;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::redis::{ConnectionAddr, ConnectionInfo, PushInfo};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use self::dialect::{News, Sharded};
use self::view::{Node, View};
use super::address::{Address, Place};
use super::inbox::Inbox;
use super::link::Link;
use super::listener::Listener;
use super::outbox::Outbox;
use super::publisher::Publisher;
use super::route::{NOWHERE, Route, SLOTS};
use super::table::{Table, at};

/// How long one server may take to say what it knows.
const ANSWER: Duration = Duration::from_millis(500);
/// Between two looks at the cluster at least.
const SPACING: Duration = Duration::from_millis(20);
/// Between two looks at most: a server that is no longer the master answers as before.
const LOOKS: Duration = Duration::from_secs(1);
/// Between two looks while something is wrong.
const RESTLESS: Duration = Duration::from_millis(200);
/// For so long after something happened it may not be over.
const SETTLES: Duration = Duration::from_secs(2);
/// After so long, servers that all know less than was known before are a cluster made anew.
const ANEW: Duration = Duration::from_secs(10);

/// Keeps the route true.
pub(super) struct Keeper {
    /// How to be let in, at any server.
    pub(super) like: ConnectionInfo,
    /// Hosts and ports to begin with.
    pub(super) seeds: Vec<(String, u16)>,
    pub(super) answer: Duration,
    pub(super) heartbeat: Duration,
    pub(super) table: Arc<Table>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) inbox: Arc<Inbox>,
}

/// What the keeper knows.
struct Known {
    news: Arc<News>,
    /// By shard; the first is nowhere.
    nodes: Vec<Option<Node>>,
    slots: Vec<u16>,
    /// Whom to ask, who is to be asked next in front.
    ask: VecDeque<Node>,
    epoch: u64,
    /// Since when nobody knows as much as was known before.
    stale: Option<Instant>,
    /// The connections.
    tasks: JoinSet<()>,
}

impl Keeper {
    /// Keeps the route for ever.
    pub(super) async fn run(self) {
        let mut known = Known {
            news: Arc::default(),
            nodes: vec![None],
            slots: vec![0; SLOTS],
            ask: self.seeds().collect(),
            epoch: 0,
            stale: None,
            tasks: JoinSet::new(),
        };
        let news = known.news.clone();
        let filled = self.outbox.filled(NOWHERE);
        let mut restless = Instant::now() + SETTLES;
        loop {
            self.look(&mut known).await;
            let looked = Instant::now();
            let calm = restless < looked
                && self.table.trouble().is_none()
                && self.outbox.trouble().is_none();
            let next = looked + if calm { self.heartbeat.min(LOOKS) } else { RESTLESS };
            loop {
                let due = self.outbox.due(NOWHERE);
                tokio::select! {
                    () = news.told.notified() => restless = Instant::now() + SETTLES,
                    () = self.table.ended.notified() => restless = Instant::now() + SETTLES,
                    () = at(Some(next)) => {}
                    () = at(due), if due.is_some() => {
                        self.outbox.expire(NOWHERE, Instant::now());
                        continue;
                    }
                    () = filled.notified(), if due.is_none() => continue,
                }
                break;
            }
            let moved = news.take();
            if !moved.is_empty() {
                let mut slots = known.slots.clone();
                for (slot, node) in moved {
                    tracing::debug!(slot, %node, "a slot is elsewhere");
                    slots[usize::from(slot) % SLOTS] = self.shard(&mut known, &node);
                    // It knows best what it has come to carry.
                    known.ask.push_front(node);
                }
                self.reroute(&mut known, slots);
            }
            sleep(SPACING).await;
        }
    }

    /// Asks the servers until one knows as much as was known before.
    async fn look(&self, known: &mut Known) {
        let (mut trouble, mut older) = ("no server of it is known".to_owned(), None);
        for node in known.ask.clone() {
            // Another one next time: this one may be cut off from the others, and not know it.
            known.ask.rotate_left(1);
            match timeout(ANSWER, self.ask(&node)).await {
                Ok(Ok(view)) if view.epoch >= known.epoch => return self.follow(known, view),
                Ok(Ok(view)) => older = Some(view),
                Ok(Err(why)) => trouble = why,
                Err(_) => trouble = format!("{node} does not answer"),
            }
        }
        match older {
            Some(view) => {
                if known.stale.get_or_insert_with(Instant::now).elapsed() > ANEW {
                    self.follow(known, view);
                }
            }
            // Who knows where things were tries there.
            None if known.nodes.len() > 1 => {
                tracing::debug!(trouble, "no server of the cluster answers");
            }
            None => {
                self.outbox.down(NOWHERE, &trouble);
                self.table.down(NOWHERE, &trouble);
            }
        }
    }

    async fn ask(&self, node: &Node) -> Result<View, String> {
        let link = self.link(node);
        let mut connected = link.connect(|_: PushInfo| Ok::<_, ()>(())).await?;
        let view = View::of(&mut connected.connection, &node.host).await;
        view.map_err(|error| link.explain(&error))
    }

    /// Takes over what a server knows.
    fn follow(&self, known: &mut Known, view: View) {
        (known.epoch, known.stale) = (view.epoch, None);
        let mut slots = vec![0; SLOTS];
        for (range, node) in view.masters {
            let shard = self.shard(known, &node);
            slots[range].fill(shard);
        }
        // Those that were not asked lately stay in front.
        let named: HashSet<_> = view.nodes.into_iter().chain(self.seeds()).collect();
        let mut seen = HashSet::new();
        known.ask.retain(|node| named.contains(node) && seen.insert(node.clone()));
        known.ask.extend(named.into_iter().filter(|node| !seen.contains(node)));
        self.reroute(known, slots);
    }

    fn reroute(&self, known: &mut Known, slots: Vec<u16>) {
        let route = Route::Slots(slots.as_slice().into());
        if slots != known.slots {
            self.outbox.reroute(&route);
            known.slots = slots;
        }
        // Also what was put off until now.
        self.table.reroute(&route);
        if known.slots.contains(&0) {
            let why = "no server of the cluster carries its slot";
            self.outbox.down(NOWHERE, why);
            self.table.down(NOWHERE, why);
        } else {
            self.outbox.idle(NOWHERE);
            self.table.idle(NOWHERE);
        }
    }

    /// The shard of what a server carries, with connections that wait to be needed.
    fn shard(&self, known: &mut Known, node: &Node) -> u16 {
        let shard = known.nodes.iter().position(|known| known.as_ref() == Some(node));
        let shard = shard.unwrap_or_else(|| {
            let shard = known.nodes.len();
            known.nodes.push(Some(node.clone()));
            self.table.grow(shard + 1);
            self.outbox.grow(shard + 1);
            let dialect = Sharded { news: known.news.clone(), node: node.clone() };
            let publisher = Publisher {
                shard,
                dialect: dialect.clone(),
                link: self.link(node),
                outbox: self.outbox.clone(),
                heartbeat: self.heartbeat,
            };
            let listener = Listener {
                shard,
                dialect,
                link: self.link(node),
                table: self.table.clone(),
                inbox: self.inbox.clone(),
                outbox: self.outbox.clone(),
                heartbeat: self.heartbeat,
            };
            known.tasks.spawn(publisher.run());
            known.tasks.spawn(listener.run());
            shard
        });
        u16::try_from(shard).unwrap_or(0)
    }

    fn seeds(&self) -> impl Iterator<Item = Node> {
        self.seeds.iter().map(|(host, port)| Node { host: host.clone(), port: *port })
    }

    /// How to reach one server.
    fn link(&self, node: &Node) -> Link {
        let (host, port) = (node.host.clone(), node.port);
        let addr = match self.like.addr() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => ConnectionAddr::TcpTls {
                host,
                port,
                insecure: *insecure,
                tls_params: tls_params.clone(),
            },
            _ => ConnectionAddr::Tcp(host, port),
        };
        let place = Place::Member(self.like.clone().set_addr(addr));
        let address = Address { place, shown: node.to_string(), rest_token: false };
        Link { address, answer: self.answer }
    }
}
