//! `Redis`: the broker as users configure it.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::connect::Address;
use super::connections::Connections;
use super::failure::{publish_failed, reason};
use super::history::RedisHistory;
use super::name_check;
use super::route::Route;
use crate::broker::format::names;
use crate::broker::format::text::Form;
use crate::broker::{Broker, Channel, Publication, Publish, Sink, Subscribe};
use crate::error::{BoxError, Result};
use crate::history::History;
use crate::limits::DEFAULT_NAME;

/// How long an emit may take, unless set.
pub(crate) const DEADLINE: Duration = Duration::from_secs(2);
/// How often connections are checked, unless set.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(3);
/// The same where commands are billed.
pub(crate) const LOW_TRAFFIC: Duration = Duration::from_secs(30);
/// How long an unused room is kept, unless set.
const LINGER: Duration = Duration::from_secs(2);

/// Redis as the broker, so that many processes serve as one.
///
/// It has two connections (two to each master of a cluster), whatever the number of sockets and
/// rooms. After an outage of any length it is connected again within two seconds of Redis' return,
/// and a gap is recorded for each room. While Redis is away, sockets stay connected. Emits fail with
/// 503 (code `broker`) within [`deadline`](Self::deadline), or at once when Redis is known to be away.
///
/// Creating one does not connect. It connects when the application serves, or when it is first used.
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
/// Without code, the environment variable `REDIS_URL` does the same. `docs/redis.md` describes the
/// addresses, what is promised, and the format of what travels through Redis.
pub struct Redis {
    address: Address,
    /// Unless set, the application's name.
    prefix: Option<String>,
    name: String,
    deadline: Duration,
    heartbeat: Duration,
    linger: Duration,
    form: Form,
    connections: OnceLock<Arc<Connections>>,
    /// Whether the rights for histories were looked at.
    has_checked_rights: AtomicBool,
}

impl Redis {
    /// Redis at `url`. It does not connect yet.
    ///
    /// | url | |
    /// |---|---|
    /// | `redis://[user:password@]host[:port][/database]` | one server |
    /// | `rediss://…` | the same over TLS (feature `redis-tls`) |
    /// | `unix:///path` | a Unix socket |
    /// | `redis+sentinel://[user:password@]host[:port],…/group[/database]` | the master that Sentinels name |
    /// | `redis+cluster://[user:password@]host[:port],…` | a cluster (feature `redis-cluster`) |
    ///
    /// Fails if the address cannot be read, or needs a feature that is not enabled. [`Broker::trouble`] and the
    /// errors of emits report problems with the server.
    ///
    /// ```
    /// # use jstack_runtime::Redis;
    /// assert!(Redis::new("redis://127.0.0.1:6379/1").is_ok());
    /// assert!(Redis::new("127.0.0.1").is_err());
    /// ```
    pub fn new(url: &str) -> Result<Self, BoxError> {
        Ok(Self::at(Address::parse(url)?))
    }

    /// Upstash, by the REST URL and the REST token of its console. The port is 6379 for every
    /// Upstash database so far. Sends few commands, as with [`low_traffic`](Self::low_traffic).
    ///
    /// Fails if the URL does not name a host, and without the feature `redis-tls`.
    ///
    /// ```
    /// # use jstack_runtime::Redis;
    /// # fn example() -> Result<Redis, jstack_runtime::BoxError> {
    /// Redis::upstash("https://eu1-example.upstash.io", "the-token", 6379)
    /// # }
    /// ```
    pub fn upstash(rest_url: &str, token: &str, port: u16) -> Result<Self, BoxError> {
        Ok(Self::at(Address::upstash(rest_url, token, port)?).low_traffic())
    }

    /// Like [`new`](Self::new), and waits until it is connected.
    ///
    /// Fails as well if Redis cannot be reached within the deadline of two seconds, or refuses the
    /// connection.
    ///
    /// ```no_run
    /// # use jstack_runtime::Redis;
    /// # async fn example() -> Result<(), jstack_runtime::BoxError> {
    /// let redis = Redis::connect("redis://127.0.0.1:6379").await?;
    /// # drop(redis); Ok(())
    /// # }
    /// ```
    pub async fn connect(url: &str) -> Result<Self, BoxError> {
        let redis = Self::new(url)?;
        redis.ready().await.map_err(|error| reason(&error))?;
        Ok(redis)
    }

    fn at(address: Address) -> Self {
        Self {
            address,
            prefix: None,
            name: DEFAULT_NAME.to_owned(),
            deadline: DEADLINE,
            heartbeat: HEARTBEAT,
            linger: LINGER,
            form: Form::default(),
            connections: OnceLock::new(),
            has_checked_rights: AtomicBool::new(false),
        }
    }

    /// Sets the prefix of channel names, which keeps applications apart that share a Redis.
    ///
    /// Unless set, it is the variable `JSTACK_REDIS_PREFIX`, or else the application's name
    /// ([`App::name`](crate::App::name), `JSTACK_NAME`), which is `jstack` unless set.
    ///
    /// ```
    /// # use jstack_runtime::Redis;
    /// # fn example() -> Result<Redis, jstack_runtime::BoxError> {
    /// Ok(Redis::new("redis://127.0.0.1")?.prefix("shop"))
    /// # }
    /// ```
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self.reset()
    }

    /// Sets how long an emit or a join may wait for Redis before it fails; 2 s unless set.
    ///
    /// ```
    /// # use {jstack_runtime::Redis, std::time::Duration};
    /// # fn example() -> Result<Redis, jstack_runtime::BoxError> {
    /// Ok(Redis::new("redis://127.0.0.1")?.deadline(Duration::from_millis(500)))
    /// # }
    /// ```
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self.reset()
    }

    /// Sets how often connections are checked; 3 s unless set. A silent peer is noticed after a
    /// heartbeat and a deadline.
    ///
    /// ```
    /// # use {jstack_runtime::Redis, std::time::Duration};
    /// # fn example() -> Result<Redis, jstack_runtime::BoxError> {
    /// Ok(Redis::new("redis://127.0.0.1")?.heartbeat(Duration::from_secs(10)))
    /// # }
    /// ```
    #[must_use]
    pub fn heartbeat(mut self, heartbeat: Duration) -> Self {
        self.heartbeat = heartbeat.max(Duration::from_millis(10));
        self.reset()
    }

    /// Sets a heartbeat of 30 s, for a Redis that bills commands: an idle process then sends about
    /// 260,000 commands a month.
    ///
    /// ```
    /// # use jstack_runtime::Redis;
    /// # fn example() -> Result<Redis, jstack_runtime::BoxError> {
    /// Ok(Redis::new("redis://127.0.0.1")?.low_traffic())
    /// # }
    /// ```
    #[must_use]
    pub fn low_traffic(self) -> Self {
        self.heartbeat(LOW_TRAFFIC)
    }

    /// Sets how long a room stays subscribed after its last member left; 2 s unless set. A page
    /// that reloads within this time costs Redis nothing.
    ///
    /// ```
    /// # use {jstack_runtime::Redis, std::time::Duration};
    /// # fn example() -> Result<Redis, jstack_runtime::BoxError> {
    /// Ok(Redis::new("redis://127.0.0.1")?.linger(Duration::from_secs(30)))
    /// # }
    /// ```
    #[must_use]
    pub fn linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self.reset()
    }

    /// Publishes messages as text, for processes that listen through Upstash's REST API: a Cloudflare
    /// Worker with `JSTACK_BROKER=upstash`, which receives nothing else. It takes a third more bytes.
    ///
    /// All processes read both forms, so a Worker's messages arrive without it. In the environment,
    /// `JSTACK_BROKER=upstash` does the same.
    ///
    /// ```
    /// # use jstack_runtime::Redis;
    /// # fn example() -> Result<Redis, jstack_runtime::BoxError> {
    /// Ok(Redis::upstash("https://eu1-example.upstash.io", "the-token", 6379)?.as_text())
    /// # }
    /// ```
    #[must_use]
    pub fn as_text(mut self) -> Self {
        self.form = Form::Text;
        self.reset()
    }

    /// Ends what runs with other settings; it starts again when it is used.
    fn reset(mut self) -> Self {
        self.connections = OnceLock::new();
        self
    }

    /// Waits until messages can be published. Fails with the reason as its cause.
    pub(crate) async fn ready(&self) -> Result {
        let connections = self.connections();
        connections.start_publishing()?;
        let outbox = &connections.outbox;
        match outbox.probe(&outbox.probe_prefix(), &0_u64.to_be_bytes()) {
            Some(outcome) => {
                outcome.await.unwrap_or_else(|_| Err(publish_failed("the broker was shut down")))
            }
            None => Err(publish_failed(&outbox.trouble().unwrap_or_default())),
        }
    }

    /// The address, without secrets.
    pub(crate) fn shown(&self) -> &str {
        &self.address.shown
    }

    pub(crate) fn is_cluster(&self) -> bool {
        !matches!(self.address.route(), Route::One)
    }

    fn channels(&self) -> &str {
        self.prefix.as_deref().unwrap_or(&self.name)
    }

    /// Fails if other processes listen on this Redis, and none under this name.
    pub(crate) async fn check_name(&self) -> Result<(), String> {
        let link = &self.connections().link;
        name_check::check(link, self.channels()).await
    }

    fn connections(&self) -> &Arc<Connections> {
        self.connections.get_or_init(|| {
            let Self { address, deadline, heartbeat, linger, form, .. } = self;
            let name = self.channels();
            Arc::new(Connections::new(address, name, *deadline, *heartbeat, *linger, *form))
        })
    }
}

impl Broker for Redis {
    fn publish(&self, messages: &[Publication<'_>], _: &dyn Sink) -> Publish {
        let connections = self.connections();
        if let Err(error) = connections.start_publishing() {
            return Publish::done(Err(error));
        }
        connections.outbox.publish(messages, None, &connections.prefix, connections.origin)
    }

    fn subscribe(&self, channel: Channel<'_>, sink: Arc<dyn Sink>) -> Subscribe {
        let connections = self.connections();
        if let Err(error) = connections.start_listening() {
            return Box::pin(std::future::ready(Err(error)));
        }
        let name = names::channel_name(&connections.prefix, channel);
        connections.table.subscribe(name, channel, sink)
    }

    fn unsubscribe(&self, channel: Channel<'_>, sink: &dyn Sink) {
        let connections = self.connections();
        connections.table.unsubscribe(&names::channel_name(&connections.prefix, channel), sink);
    }

    fn history(&self) -> Option<Arc<dyn History>> {
        let history = RedisHistory { connections: self.connections().clone() };
        if !self.has_checked_rights.swap(true, Ordering::Relaxed) {
            history.check_rights();
        }
        Some(Arc::new(history))
    }

    fn set_name(&mut self, name: &str) {
        if self.name != name {
            name.clone_into(&mut self.name);
            // Ends what runs under the other name; it starts again when it is used.
            self.connections = OnceLock::new();
        }
    }

    fn start(&self) {
        // Without a runtime, the first emit or join fails instead.
        drop(self.connections().start_listening());
    }

    fn trouble(&self) -> Option<String> {
        let trouble = self.connections().trouble()?;
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
