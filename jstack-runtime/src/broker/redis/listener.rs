//! The connection that listens: it makes Redis follow the table, and notices when Redis does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::redis::aio::MultiplexedConnection;
use ::redis::{PushInfo, PushKind, RedisError, RedisResult, Value};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::dialect::{Dialect, Says};
use super::inbox::Inbox;
use super::link::{Backoff, Connected, Link};
use super::outbox::Outbox;
use super::table::Table;

/// Heartbeats without our own sign of life after which the connection is deaf.
const DEAF: u32 = 3;
/// A connection that lasted so long was a good one.
const GOOD: Duration = Duration::from_secs(1);
/// What Redis has said goes through the inbox within this.
const SETTLED: Duration = Duration::from_millis(100);

/// What a listening connection needs.
pub(super) struct Listener<D> {
    pub(super) shard: usize,
    pub(super) dialect: D,
    pub(super) link: Link,
    pub(super) table: Arc<Table>,
    pub(super) inbox: Arc<Inbox>,
    /// Says whether our own signs of life can have been sent, and on which channel.
    pub(super) outbox: Arc<Outbox>,
    pub(super) heartbeat: Duration,
}

/// What one connection is heard to say.
struct Ear {
    inbox: Arc<Inbox>,
    /// What the channels of our own signs of life start with.
    probes_on: String,
    /// The number of the connection.
    connection: AtomicU64,
    /// What is still heard does not count.
    given_up: AtomicBool,
    lost: Notify,
    /// Channels that Redis has said it sends: our count, and Redis' own.
    ours: AtomicI64,
    theirs: AtomicI64,
    /// Those of them that are for our own signs of life.
    probing: AtomicI64,
    /// Our own signs of life.
    probes: AtomicU64,
}

impl<D: Dialect> Listener<D> {
    /// Listens for ever.
    pub(super) async fn run(self) {
        let mut backoff = Backoff::default();
        loop {
            while !D::LISTENS_IDLE && !self.table.is_wanted(self.shard) {
                self.table.idle(self.shard);
                self.table.changed(self.shard).notified().await;
            }
            let ear = Arc::new(Ear {
                inbox: self.inbox.clone(),
                probes_on: self.outbox.probes_on(),
                connection: AtomicU64::new(u64::MAX),
                given_up: AtomicBool::new(false),
                lost: Notify::new(),
                ours: AtomicI64::new(0),
                theirs: AtomicI64::new(0),
                probing: AtomicI64::new(0),
                probes: AtomicU64::new(0),
            });
            let push = {
                let ear = ear.clone();
                move |info: PushInfo| {
                    ear.hear::<D>(info);
                    Ok::<_, ()>(())
                }
            };
            match self.link.connect(push).await {
                Ok(connected) => {
                    let number = self.table.connected(self.shard);
                    ear.connection.store(number, Ordering::Release);
                    let since = Instant::now();
                    let served = self.serve(connected, &ear, number).await;
                    ear.given_up.store(true, Ordering::Release);
                    let Err(why) = served else {
                        tracing::debug!(redis = %self.link.address.shown, "nothing to listen to");
                        self.table.lost(self.shard, number, None);
                        continue;
                    };
                    metrics::counter!("jstack_broker_connections_lost_total").increment(1);
                    tracing::warn!(redis = %self.link.address.shown, why, "lost the listening connection");
                    self.table.lost(self.shard, number, Some(&why));
                    self.dialect.is_away();
                    if since.elapsed() >= GOOD {
                        backoff.reset();
                    } else {
                        sleep(backoff.next()).await;
                    }
                }
                Err(why) => {
                    tracing::debug!(redis = %self.link.address.shown, why, "cannot connect");
                    self.table.down(self.shard, &why);
                    self.dialect.is_away();
                    sleep(backoff.next()).await;
                }
            }
        }
    }

    /// Follows the table until there is nothing to listen to, or the connection fails; then says
    /// why it did.
    async fn serve(&self, mut connected: Connected, ear: &Ear, number: u64) -> Result<(), String> {
        let explain = |error| self.link.explain(&error);
        let mut probe = String::new();
        self.probe(&mut connected.connection, &mut probe).await.map_err(explain)?;
        let mut heartbeat = interval(self.heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Heard { probes: 0, at: Instant::now() };
        let changed = self.table.changed(self.shard);
        self.outbox.want(self.shard);
        loop {
            self.follow(&mut connected.connection, number).await.map_err(explain)?;
            tokio::select! {
                () = ear.lost.notified() => return Err("Redis closed the connection".to_owned()),
                () = changed.notified() => {}
                _ = heartbeat.tick() => {
                    if !D::LISTENS_IDLE && !self.table.is_wanted(self.shard) {
                        return Ok(());
                    }
                    if probe != self.outbox.probe_name(self.shard) || ear.probing.load(Ordering::Acquire) == 0 {
                        self.probe(&mut connected.connection, &mut probe).await.map_err(explain)?;
                    }
                    self.outbox.want(self.shard);
                    self.check(&mut connected, ear, &mut heard).await?;
                }
            }
        }
    }

    /// Listens for our own signs of life, where they are sent now.
    async fn probe(
        &self,
        connection: &mut MultiplexedConnection,
        probe: &mut String,
    ) -> RedisResult<()> {
        let now = self.outbox.probe_name(self.shard);
        if !probe.is_empty() && *probe != now {
            say(connection, D::UNSUBSCRIBE, probe).await.or_else(|error| self.shrug(error))?;
        }
        say(connection, D::SUBSCRIBE, &now).await.or_else(|error| self.shrug(error))?;
        *probe = now;
        Ok(())
    }

    /// A channel that is elsewhere is no reason to give up the connection.
    fn shrug(&self, error: RedisError) -> RedisResult<()> {
        if self.dialect.is_elsewhere(&error) { Ok(()) } else { Err(error) }
    }

    /// Asks Redis for what is wanted and not asked for yet.
    async fn follow(&self, connection: &mut MultiplexedConnection, number: u64) -> RedisResult<()> {
        let work = self.table.work(self.shard, number);
        if !work.end.is_empty() {
            self.dialect.end(connection, &work.end).await?;
        }
        if !work.begin.is_empty() {
            let to = (connection, &self.link, number);
            self.dialect.begin(to, &self.table, &work.begin).await?;
        }
        Ok(())
    }

    /// The heartbeat: the connection answers, Redis sends what it should, and to us.
    async fn check(
        &self,
        connected: &mut Connected,
        ear: &Ear,
        heard: &mut Heard,
    ) -> Result<(), String> {
        let ping = ::redis::cmd("PING").query_async::<Value>(&mut connected.connection).await;
        ping.map_err(|error| self.link.explain(&error))?;
        if !self.link.is_current(connected).await {
            return Err("the Sentinels name another server".to_owned());
        }
        if self.differs(ear).is_some() {
            sleep(SETTLED).await;
            self.differs(ear).map_or(Ok(()), Err)?;
        }
        let probes = ear.probes.load(Ordering::Acquire);
        if probes != heard.probes || self.outbox.is_away(self.shard) {
            *heard = Heard { probes, at: Instant::now() };
        } else if heard.at.elapsed() > self.heartbeat * DEAF + self.link.answer {
            return Err("our own messages do not come back".to_owned());
        }
        Ok(())
    }

    /// How what Redis sends differs from what it was asked for.
    fn differs(&self, ear: &Ear) -> Option<String> {
        let (ours, theirs) = (ear.ours.load(Ordering::Acquire), ear.theirs.load(Ordering::Acquire));
        if ours != theirs {
            return Some(format!("Redis sends {theirs} channels instead of {ours}"));
        }
        // What was refused, or ended without being asked to, is asked for again.
        let live = i64::try_from(self.table.check(self.shard)?).unwrap_or(i64::MAX);
        let probing = ear.probing.load(Ordering::Acquire);
        (live.saturating_add(probing) != ours).then(|| {
            format!("{live} channels and {probing} of our own are wanted, and Redis sends {ours}")
        })
    }
}

/// A command about one channel.
async fn say(connection: &mut MultiplexedConnection, what: &str, name: &str) -> RedisResult<()> {
    ::redis::cmd(what).arg(name).query_async::<Value>(connection).await.map(drop)
}

/// Our own signs of life as they were when last looked at.
struct Heard {
    probes: u64,
    at: Instant,
}

impl Ear {
    /// Runs on the connection's own task: it sorts, and hands over.
    fn hear<D: Dialect>(&self, info: PushInfo) {
        if info.kind == PushKind::Disconnection {
            self.lost.notify_one();
            return;
        }
        if self.given_up.load(Ordering::Acquire) {
            return;
        }
        let connection = self.connection.load(Ordering::Acquire);
        let mut data = info.data.into_iter();
        let Some(Value::BulkString(channel)) = data.next() else { return };
        let is_probe = channel.starts_with(self.probes_on.as_bytes());
        match (D::says(&info.kind), data.next()) {
            (Some(Says::Message), Some(Value::BulkString(payload))) => {
                if is_probe {
                    self.probes.fetch_add(1, Ordering::AcqRel);
                } else {
                    self.inbox.message(channel, payload, connection);
                }
            }
            (Some(says @ (Says::Begun | Says::Ended)), Some(Value::Int(count))) => {
                let begun = says == Says::Begun;
                let one = if begun { 1 } else { -1 };
                // What was so before changes nothing.
                let changes = count != self.ours.load(Ordering::Acquire);
                self.ours.fetch_add(if changes { one } else { 0 }, Ordering::AcqRel);
                self.theirs.store(count, Ordering::Release);
                if !is_probe {
                    self.inbox.change(channel, begun, connection);
                } else if changes {
                    self.probing.fetch_add(one, Ordering::AcqRel);
                }
            }
            _ => {}
        }
    }
}
