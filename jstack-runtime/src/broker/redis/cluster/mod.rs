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
const ANSWER: Duration = Duration::from_secs(1);
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

/// What came of asking the servers.
enum Seen {
    New(View),
    /// Nobody knows as much as was known before.
    Old(View),
    /// Nobody answered, for this reason.
    Nobody(String),
}

impl Seen {
    fn or(self, why: String) -> Self {
        if let Self::Old(view) = self { Self::Old(view) } else { Self::Nobody(why) }
    }
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
        let (news, filled) = (known.news.clone(), self.outbox.filled(NOWHERE));
        let mut restless = Instant::now() + SETTLES;
        loop {
            let mut looking = std::pin::pin!(self.look(known.ask.clone(), known.epoch));
            loop {
                tokio::select! {
                    (asked, seen) = &mut looking => {
                        // Another one next time: this one may be cut off, and not know it.
                        let servers = known.ask.len().max(1);
                        known.ask.rotate_left(asked % servers);
                        self.take_over(&mut known, seen);
                        break;
                    }
                    () = news.told.notified() => {
                        restless = Instant::now() + SETTLES;
                        if self.follow_news(&mut known) {
                            // It is newer than what the others are being asked for.
                            break;
                        }
                    }
                }
            }
            let calm = restless < Instant::now()
                && self.table.trouble().is_none()
                && self.outbox.trouble().is_none();
            let next = Instant::now() + if calm { self.heartbeat.min(LOOKS) } else { RESTLESS };
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
            self.follow_news(&mut known);
        }
    }

    /// Follows what servers said of slots; `false` if they said nothing.
    fn follow_news(&self, known: &mut Known) -> bool {
        let moved = known.news.take();
        if moved.is_empty() {
            return false;
        }
        let mut slots = known.slots.clone();
        for (slot, node) in moved {
            tracing::debug!(slot, %node, "a slot is elsewhere");
            slots[usize::from(slot) % SLOTS] = self.shard(known, &node);
            // It knows best what it has come to carry.
            known.ask.push_front(node);
        }
        self.reroute(known, slots);
        true
    }

    /// Asks the servers, after a moment, until one knows as much as was known before; says how
    /// many were asked, too.
    async fn look(&self, ask: VecDeque<Node>, epoch: u64) -> (usize, Seen) {
        sleep(SPACING).await;
        let mut seen = Seen::Nobody("no server of it is known".to_owned());
        for (asked, node) in (1..).zip(&ask) {
            match timeout(ANSWER, self.ask(node)).await {
                Ok(Ok(view)) if view.epoch >= epoch => return (asked, Seen::New(view)),
                Ok(Ok(view)) => seen = Seen::Old(view),
                Ok(Err(why)) => seen = seen.or(why),
                Err(_) => seen = seen.or(format!("{node} does not answer")),
            }
        }
        (ask.len(), seen)
    }

    /// Makes what was seen the truth, or not.
    fn take_over(&self, known: &mut Known, seen: Seen) {
        match seen {
            Seen::New(view) => self.follow(known, view),
            Seen::Old(view) => {
                if known.stale.get_or_insert_with(Instant::now).elapsed() > ANEW {
                    self.follow(known, view);
                }
            }
            // Who knows where things were tries there.
            Seen::Nobody(why) if known.nodes.len() > 1 => {
                tracing::debug!(why, "no server of the cluster answers");
            }
            Seen::Nobody(why) => {
                self.outbox.down(NOWHERE, &why);
                self.table.down(NOWHERE, &why);
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
