//! Keeps the route of a cluster up to date: which of its servers carries which channel.
//!
//! The client library's own cluster client is not used. It forgets channels whose slot moves, and
//! does not subscribe again after a failover. Here every master has a publishing and a listening
//! connection, as a stand-alone server has, and the [`TopologyWatcher`] alone decides which channel
//! belongs to which.
//!
//! ```text
//!            CLUSTER INFO, CLUSTER SLOTS
//!   servers ─────────────────────────────▶ look ──▶ take_over ──┐
//!                                                               ▼
//!   connections ──▶ Redirects (MOVED) ──▶ follow_redirects ──▶ reroute ──▶ Outbox, Table
//! ```
//!
//! Terms: a *shard* is an index for one server that carries, or carried, slots. Shard 0
//! ([`NOWHERE`]) has the slots that no state server carries; nothing can be sent to it, so what is
//! queued there waits until it expires. Shards are never removed, so an index stays valid.
//!
//! When the watcher looks at the cluster:
//!
//! - *calm*: after each heartbeat, at most [`LOOK_INTERVAL`].
//! - *restless*: every [`RESTLESS_INTERVAL`], for [`SETTLE_TIME`] after something happened and
//!   while there is trouble. Something happens when a server redirects, a connection is lost, or a
//!   subscription ends unasked.
//!
//! Invariants:
//!
//! - A topology with an older epoch than the newest one is not followed, because the server may
//!   have been cut off. After [`NEW_CLUSTER`] without a newer one it is followed: then the
//!   cluster was created again.
//! - A redirect is followed at once, before any topology that was asked for earlier.
//! - `Outbox::reroute` and `Table::reroute` get the same routes in the same order.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::redis::{ConnectionAddr, ConnectionInfo, PushInfo};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::dialect::Sharded;
use super::redirects::Redirects;
use super::topology::{ClusterNode, ClusterTopology};
use crate::broker::format::text::Form;
use crate::broker::redis::connect::{Address, Deployment, Link};
use crate::broker::redis::publish::{Outbox, Publisher};
use crate::broker::redis::route::{NOWHERE, Route, SLOTS};
use crate::broker::redis::subscribe::{Inbox, Listener, Table};
use crate::broker::redis::timer::sleep_until_opt;

/// How long one server may take to answer.
const ANSWER: Duration = Duration::from_secs(1);
/// The shortest time between two looks at the cluster.
const MIN_LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// The longest time between two looks: a server that is not the master any more answers as before.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// The time between two looks while something is wrong.
const RESTLESS_INTERVAL: Duration = Duration::from_millis(200);
/// How long after an event more may follow.
const SETTLE_TIME: Duration = Duration::from_secs(2);
/// After so long without a newer epoch, servers with an older one are a cluster that was created
/// again.
const NEW_CLUSTER: Duration = Duration::from_secs(10);

/// Keeps the route up to date.
pub(crate) struct TopologyWatcher {
    /// Credentials and TLS settings for each server.
    pub(crate) like: ConnectionInfo,
    /// Hosts and ports to start with.
    pub(crate) seeds: Vec<(String, u16)>,
    pub(crate) answer: Duration,
    pub(crate) heartbeat: Duration,
    pub(crate) table: Arc<Table>,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) inbox: Arc<Inbox>,
}

/// The watcher's knowledge of the cluster.
struct State {
    redirects: Arc<Redirects>,
    /// By shard; the first one is [`NOWHERE`].
    nodes: Vec<Option<ClusterNode>>,
    /// The shard of each slot.
    slots: Vec<u16>,
    /// Nodes to query; front = next.
    ask: VecDeque<ClusterNode>,
    /// The newest epoch that was seen.
    epoch: u64,
    /// Since when every server reports an older epoch.
    stale: Option<Instant>,
    /// The connections.
    tasks: JoinSet<()>,
}

/// The outcome of asking the servers.
enum Lookup {
    /// A topology that is at least as new as the newest one.
    New(ClusterTopology),
    /// All that answered report an older epoch.
    Old(ClusterTopology),
    /// No server answered, for this reason.
    Nobody(String),
}

impl Lookup {
    fn or(self, why: String) -> Self {
        if let Self::Old(topology) = self { Self::Old(topology) } else { Self::Nobody(why) }
    }
}

impl TopologyWatcher {
    /// Keeps the route up to date. Never returns.
    pub(crate) async fn run(self) {
        let mut state = State {
            redirects: Arc::default(),
            nodes: vec![None],
            slots: vec![0; SLOTS],
            ask: self.seeds().collect(),
            epoch: 0,
            stale: None,
            tasks: JoinSet::new(),
        };
        let (redirects, filled) = (state.redirects.clone(), self.outbox.filled(NOWHERE));
        let mut restless = Instant::now() + SETTLE_TIME;
        loop {
            let mut looking = std::pin::pin!(self.look(state.ask.clone(), state.epoch));
            loop {
                tokio::select! {
                    (asked, lookup) = &mut looking => {
                        // Ask another one next time: this one may be cut off without knowing it.
                        let servers = state.ask.len().max(1);
                        state.ask.rotate_left(asked % servers);
                        self.take_over(&mut state, lookup);
                        break;
                    }
                    () = redirects.changed.notified() => {
                        restless = Instant::now() + SETTLE_TIME;
                        if self.follow_redirects(&mut state) {
                            // It is newer than the answers that are awaited.
                            break;
                        }
                    }
                }
            }
            let calm = restless < Instant::now()
                && self.table.trouble().is_none()
                && self.outbox.trouble().is_none();
            let next = Instant::now()
                + if calm { self.heartbeat.min(LOOK_INTERVAL) } else { RESTLESS_INTERVAL };
            loop {
                let due = self.outbox.due(NOWHERE);
                tokio::select! {
                    () = redirects.changed.notified() => restless = Instant::now() + SETTLE_TIME,
                    () = self.table.ended_unasked.notified() => restless = Instant::now() + SETTLE_TIME,
                    () = sleep_until_opt(Some(next)) => {}
                    () = sleep_until_opt(due), if due.is_some() => {
                        self.outbox.expire(NOWHERE, Instant::now());
                        continue;
                    }
                    () = filled.notified(), if due.is_none() => continue,
                }
                break;
            }
            self.follow_redirects(&mut state);
        }
    }

    /// Follows recorded redirects. Returns whether there were any.
    fn follow_redirects(&self, state: &mut State) -> bool {
        let moved = state.redirects.take();
        if moved.is_empty() {
            return false;
        }
        let mut slots = state.slots.clone();
        for (slot, node) in moved {
            tracing::debug!(slot, %node, "a slot has moved");
            slots[usize::from(slot) % SLOTS] = self.shard(state, &node);
            // The new server knows best what it carries.
            state.ask.push_front(node);
        }
        self.reroute(state, slots);
        true
    }

    /// Asks the servers, after a moment, until one reports an epoch that is new enough. Also returns
    /// how many were asked.
    async fn look(&self, ask: VecDeque<ClusterNode>, epoch: u64) -> (usize, Lookup) {
        sleep(MIN_LOOK_INTERVAL).await;
        let mut lookup = Lookup::Nobody("no server of the cluster is known".to_owned());
        for (asked, node) in (1..).zip(&ask) {
            match timeout(ANSWER, self.ask(node)).await {
                Ok(Ok(topology)) if topology.epoch >= epoch => {
                    return (asked, Lookup::New(topology));
                }
                Ok(Ok(topology)) => lookup = Lookup::Old(topology),
                Ok(Err(why)) => lookup = lookup.or(why),
                Err(_) => lookup = lookup.or(format!("{node} does not answer")),
            }
        }
        (ask.len(), lookup)
    }

    /// Follows what was found, if it is new enough.
    fn take_over(&self, state: &mut State, lookup: Lookup) {
        match lookup {
            Lookup::New(topology) => self.follow(state, topology),
            Lookup::Old(topology) => {
                if state.stale.get_or_insert_with(Instant::now).elapsed() > NEW_CLUSTER {
                    self.follow(state, topology);
                }
            }
            // Keep using the last known topology.
            Lookup::Nobody(why) if state.nodes.len() > 1 => {
                tracing::debug!(why, "no server of the cluster answers");
            }
            Lookup::Nobody(why) => {
                self.outbox.down(NOWHERE, &why);
                self.table.lock().down(NOWHERE, &why);
            }
        }
    }

    async fn ask(&self, node: &ClusterNode) -> Result<ClusterTopology, String> {
        let link = self.link(node);
        let mut connected = link.connect(|_: PushInfo| Ok::<_, ()>(())).await?;
        let topology = ClusterTopology::of(&mut connected.connection, &node.host).await;
        topology.map_err(|error| link.explain(&error))
    }

    /// Follows a topology.
    fn follow(&self, state: &mut State, topology: ClusterTopology) {
        (state.epoch, state.stale) = (topology.epoch, None);
        let mut slots = vec![0; SLOTS];
        for (range, node) in topology.masters {
            let shard = self.shard(state, &node);
            slots[range].fill(shard);
        }
        // Nodes that were not asked lately stay in front.
        let named: HashSet<_> = topology.nodes.into_iter().chain(self.seeds()).collect();
        let mut kept = HashSet::new();
        state.ask.retain(|node| named.contains(node) && kept.insert(node.clone()));
        state.ask.extend(named.into_iter().filter(|node| !kept.contains(node)));
        self.reroute(state, slots);
    }

    fn reroute(&self, state: &mut State, slots: Vec<u16>) {
        let route = Route::Slots(slots.as_slice().into());
        if slots != state.slots {
            self.outbox.reroute(&route);
            state.slots = slots;
        }
        // Also asks for what was redirected and waits for a new route.
        self.table.lock().reroute(&route);
        if state.slots.contains(&0) {
            let why = "no server of the cluster carries its slot";
            self.outbox.down(NOWHERE, why);
            self.table.lock().down(NOWHERE, why);
        } else {
            self.outbox.idle(NOWHERE);
            self.table.lock().idle(NOWHERE);
        }
    }

    /// The shard of a server. A new one gets connections, which open when they are needed.
    fn shard(&self, state: &mut State, node: &ClusterNode) -> u16 {
        let shard = state.nodes.iter().position(|known| known.as_ref() == Some(node));
        let shard = shard.unwrap_or_else(|| {
            let shard = state.nodes.len();
            state.nodes.push(Some(node.clone()));
            self.table.lock().grow(shard + 1);
            self.outbox.grow(shard + 1);
            let dialect = Sharded { redirects: state.redirects.clone(), node: node.clone() };
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
            state.tasks.spawn(publisher.run());
            state.tasks.spawn(listener.run());
            shard
        });
        u16::try_from(shard).unwrap_or(0)
    }

    fn seeds(&self) -> impl Iterator<Item = ClusterNode> {
        self.seeds.iter().map(|(host, port)| ClusterNode { host: host.clone(), port: *port })
    }

    /// How to reach one server.
    fn link(&self, node: &ClusterNode) -> Link {
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
        let deployment = Deployment::Member(self.like.clone().set_addr(addr));
        let address = Address { deployment, shown: node.to_string(), rest_token: false };
        // Upstash's REST API, which needs text, is not there for a cluster.
        Link { address, answer: self.answer, form: Form::Bytes }
    }
}
