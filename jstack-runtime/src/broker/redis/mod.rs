//! Redis as the broker: many processes as one.
//!
//! Two connections a server, whatever the number of sockets and rooms: `publisher.rs` owns the
//! one that publishes what `outbox.rs` holds, `listener.rs` the one on which Redis follows
//! `table.rs`; what arrives goes through `inbox.rs` to the sinks. Both connections are looked
//! after here and not by the client library: it gives up after a few tries, does not notice a
//! peer that is silent, and does not say what it lost.
//!
//! A cluster has many servers, each with a shard of the channels, and `route.rs` says which has
//! which; `cluster/` keeps that true. One server carries all of them as shard 0.

mod address;
pub(crate) mod batch;
#[cfg(feature = "redis-cluster")]
mod cluster;
mod dialect;
mod entry;
pub(crate) mod envelope;
mod gather;
mod inbox;
mod link;
mod listener;
mod load;
mod names;
mod neighbours;
mod numbers;
mod outbox;
mod publisher;
mod route;
mod subscriptions;
mod table;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use self::address::Address;
#[cfg(feature = "redis-cluster")]
use self::address::Place;
use self::dialect::Plain;
use self::inbox::Inbox;
use self::link::Link;
use self::listener::Listener;
use self::outbox::Outbox;
use self::publisher::Publisher;
use self::table::Table;
use super::{Broker, Channel, Message, NAME, Publish, Sink, Subscribe};
use crate::error::{BoxError, Error, Result};

/// How long an emit may take, unless set.
pub(super) const DEADLINE: Duration = Duration::from_secs(2);
/// How often connections are tried, unless set.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(3);
/// The same where commands are billed.
pub(super) const LOW_CHATTER: Duration = Duration::from_secs(30);

/// Redis as the broker, so that many processes serve as one.
///
/// It holds two connections (to each master of a cluster), whatever the number of sockets and
/// rooms, and keeps them: after an
/// outage of any length it is back within a second or two of Redis, and who listens is told that
/// messages may be missing. While Redis is away, emits fail with 503 (code `broker`) within
/// [`deadline`](Self::deadline), at once when it is known to be away; connections stay.
///
/// Making one does not need Redis to be there: it connects when the application serves, or when it
/// is first used.
///
/// ```no_run
/// # use jstack_runtime::prelude::*;
/// # use jstack_runtime::Redis;
/// # async fn example() -> Result<(), BoxError> {
/// let redis = Redis::new("redis://127.0.0.1:6379")?.prefix("shop");
/// App::new().broker(redis).serve("127.0.0.1:8080").await
/// # }
/// ```
///
/// Without code, the environment variable `REDIS_URL` does the same; see `docs/redis.md` for the
/// addresses it takes, and for what travels through Redis.
pub struct Redis {
    address: Address,
    /// Unless set, the application's name.
    prefix: Option<String>,
    name: String,
    deadline: Duration,
    heartbeat: Duration,
    linger: Duration,
    machine: OnceLock<Machine>,
}

/// What runs, once it was needed.
struct Machine {
    origin: u64,
    /// As it stands in names.
    prefix: String,
    outbox: Arc<Outbox>,
    table: Arc<Table>,
    link: Link,
    heartbeat: Duration,
    publishing: OnceLock<Vec<JoinHandle<()>>>,
    listening: OnceLock<Vec<JoinHandle<()>>>,
}

impl Redis {
    /// Redis at `url`: `redis://[user:password@]host[:port][/database]`, `rediss://…` for TLS
    /// (feature `redis-tls`), `unix:///path`,
    /// `redis+sentinel://[user:password@]host[:port],…/group[/database]`, or
    /// `redis+cluster://[user:password@]host[:port],…` (feature `redis-cluster`).
    ///
    /// Fails if the address cannot be read, or needs a feature that is not there; whether Redis
    /// is there shows later, and whether it is the kind that the address says.
    pub fn new(url: &str) -> Result<Self, BoxError> {
        Ok(Self::at(Address::parse(url)?))
    }

    /// Upstash, by what its console calls REST URL and REST token; `port` is 6379 for every
    /// database of theirs so far. It is frugal, as if by [`low_chatter`](Self::low_chatter).
    ///
    /// Fails if the URL names no host, and without the feature `redis-tls`.
    pub fn upstash(rest_url: &str, token: &str, port: u16) -> Result<Self, BoxError> {
        Ok(Self::at(Address::upstash(rest_url, token, port)?).low_chatter())
    }

    /// Like [`new`](Self::new), and waits until it is connected.
    ///
    /// Fails as well if Redis cannot be reached within two seconds, or lets nobody in.
    pub async fn connect(url: &str) -> Result<Self, BoxError> {
        let redis = Self::new(url)?;
        redis.ready().await.map_err(|error| error.message().to_owned())?;
        Ok(redis)
    }

    fn at(address: Address) -> Self {
        Self {
            address,
            prefix: None,
            name: NAME.to_owned(),
            deadline: DEADLINE,
            heartbeat: HEARTBEAT,
            linger: Duration::from_secs(2),
            machine: OnceLock::new(),
        }
    }

    /// What the names of channels start with, so that applications that share a Redis do not
    /// meet. Unless set, the variable `JSTACK_REDIS_PREFIX` says it, or else the application's
    /// name ([`App::name`](crate::App::name), `JSTACK_NAME`), which is `jstack` unless set.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self.anew()
    }

    /// How long an emit or a join may wait for Redis before it fails; 2 s unless set.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self.anew()
    }

    /// How often connections are tried while nothing happens; 3 s unless set. A peer that is
    /// gone without a word is noticed after this and a deadline.
    #[must_use]
    pub fn heartbeat(mut self, heartbeat: Duration) -> Self {
        self.heartbeat = heartbeat.max(Duration::from_millis(10));
        self.anew()
    }

    /// For a Redis that bills commands: a heartbeat of 30 s, about 170,000 commands a month and
    /// process while nothing happens.
    #[must_use]
    pub fn low_chatter(self) -> Self {
        self.heartbeat(LOW_CHATTER)
    }

    /// How long a room that was left by the last member is still listened to, so that a page
    /// that reloads costs Redis nothing; 2 s unless set.
    #[must_use]
    pub fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self.anew()
    }

    /// What ran ran with other settings.
    fn anew(mut self) -> Self {
        self.machine = OnceLock::new();
        self
    }

    /// Waits until messages can be published.
    pub(crate) async fn ready(&self) -> Result {
        let machine = self.machine();
        machine.start_publishing()?;
        let sent = machine.outbox.probe(&machine.outbox.probes_on(), &0_u64.to_be_bytes());
        match sent {
            Some(outcome) => {
                outcome.await.unwrap_or_else(|_| Err(outbox::refused("it was shut down")))
            }
            None => Err(outbox::refused(&machine.outbox.trouble().unwrap_or_default())),
        }
    }

    /// Where Redis is, without secrets.
    pub(super) fn shown(&self) -> &str {
        &self.address.shown
    }

    fn channels(&self) -> &str {
        self.prefix.as_deref().unwrap_or(&self.name)
    }

    /// Fails if others listen on this Redis and nobody under our name.
    pub(crate) async fn check_name(&self) -> Result<(), String> {
        let link = &self.machine().link;
        neighbours::check(link, self.channels()).await
    }

    fn machine(&self) -> &Machine {
        self.machine.get_or_init(|| {
            let link = Link { address: self.address.clone(), answer: self.deadline };
            let origin = RandomState::new().hash_one(std::process::id());
            let route = self.address.route();
            let probes_on = names::probe_name(self.channels(), origin);
            Machine {
                origin,
                prefix: names::prefix(self.channels()),
                outbox: Outbox::new(route.clone(), self.deadline, probes_on),
                table: Table::new(route, self.linger, self.deadline),
                heartbeat: link.heartbeat(self.heartbeat),
                link,
                publishing: OnceLock::new(),
                listening: OnceLock::new(),
            }
        })
    }
}

impl Machine {
    fn start_publishing(&self) -> Result {
        if self.publishing.get().is_some() {
            return Ok(());
        }
        let runtime = Handle::try_current().map_err(Error::internal)?;
        self.publishing.get_or_init(|| {
            #[cfg(feature = "redis-cluster")]
            if let Place::Cluster { seeds, like } = &self.link.address.place {
                // Who publishes listens as well: the keeper starts both when they are needed.
                let (inbox, mut tasks) = Inbox::start(&self.table);
                let keeper = cluster::Keeper {
                    like: like.clone(),
                    seeds: seeds.clone(),
                    answer: self.link.answer,
                    heartbeat: self.heartbeat,
                    table: self.table.clone(),
                    outbox: self.outbox.clone(),
                    inbox,
                };
                tasks.push(runtime.spawn(self.table.clone().sweep()));
                tasks.push(runtime.spawn(keeper.run()));
                return tasks;
            }
            let publisher = Publisher {
                shard: 0,
                dialect: Plain,
                link: self.link.clone(),
                outbox: self.outbox.clone(),
                heartbeat: self.heartbeat,
            };
            vec![runtime.spawn(publisher.run())]
        });
        Ok(())
    }

    fn start_listening(&self) -> Result {
        if self.listening.get().is_some() {
            return Ok(());
        }
        self.start_publishing()?;
        let runtime = Handle::try_current().map_err(Error::internal)?;
        self.listening.get_or_init(|| {
            #[cfg(feature = "redis-cluster")]
            if matches!(self.link.address.place, Place::Cluster { .. }) {
                return Vec::new();
            }
            let (inbox, mut tasks) = Inbox::start(&self.table);
            tasks.push(runtime.spawn(self.table.clone().sweep()));
            let listener = Listener {
                shard: 0,
                dialect: Plain,
                link: self.link.clone(),
                table: self.table.clone(),
                inbox,
                outbox: self.outbox.clone(),
                heartbeat: self.heartbeat,
            };
            tasks.push(runtime.spawn(listener.run()));
            tasks
        });
        Ok(())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let tasks = self.publishing.get().into_iter().chain(self.listening.get());
        tasks.flatten().for_each(JoinHandle::abort);
    }
}

impl Broker for Redis {
    fn publish(&self, messages: &[Message<'_>], _: &dyn Sink) -> Publish {
        let machine = self.machine();
        if let Err(error) = machine.start_publishing() {
            return Publish::done(Err(error));
        }
        machine.outbox.publish(messages, &machine.prefix, machine.origin)
    }

    fn subscribe(&self, channel: Channel<'_>, sink: Arc<dyn Sink>) -> Subscribe {
        let machine = self.machine();
        if let Err(error) = machine.start_listening() {
            return Box::pin(std::future::ready(Err(error)));
        }
        let name = names::channel_name(&machine.prefix, channel);
        machine.table.subscribe(name, channel, sink)
    }

    fn unsubscribe(&self, channel: Channel<'_>, sink: &dyn Sink) {
        let machine = self.machine();
        machine.table.unsubscribe(&names::channel_name(&machine.prefix, channel), sink);
    }

    fn set_name(&mut self, name: &str) {
        if self.name != name {
            name.clone_into(&mut self.name);
            // What ran under the other name; it connects again when it is used.
            self.machine = OnceLock::new();
        }
    }

    fn start(&self) {
        // Without a runtime, what needs the connections says so.
        drop(self.machine().start_listening());
    }

    fn trouble(&self) -> Option<String> {
        let machine = self.machine();
        let trouble = machine.outbox.trouble().or_else(|| machine.table.trouble())?;
        Some(format!("Redis at {}: {trouble}", self.address.shown))
    }

    fn describe(&self) -> String {
        format!("{}, channels `{}:*`", self.address.shown, self.channels())
    }
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redis")
            .field("address", &self.address.shown)
            .field("prefix", &self.channels())
            .field("deadline", &self.deadline)
            .field("heartbeat", &self.heartbeat)
            .finish_non_exhaustive()
    }
}
