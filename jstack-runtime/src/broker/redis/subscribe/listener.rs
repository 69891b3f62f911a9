//! The connection that listens: it makes Redis follow the table, and notices when Redis does not.
//!
//! Three things show that the connection works. Redis answers a `PING`. The number of
//! subscriptions that Redis reports is the number that this process expects. And the probes
//! come back, which this process publishes to a channel of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::redis::aio::MultiplexedConnection;
use ::redis::{PushInfo, PushKind, RedisError, RedisResult, Value};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::dialect::{PushEvent, SubscribeDialect};
use super::inbox::Inbox;
use super::table::Table;
use crate::broker::redis::connect::{Backoff, Connected, Link};
use crate::broker::redis::publish::Outbox;
use crate::observe;

/// Heartbeats without a probe after which the connection is given up.
const MISSED_PROBES: u32 = 3;
/// A connection that lasted so long resets the backoff.
const STABLE: Duration = Duration::from_secs(1);
/// What Redis has sent has passed the inbox after this time.
const INBOX_TIME: Duration = Duration::from_millis(100);

/// What a listening connection needs.
pub(crate) struct Listener<D> {
    pub(crate) shard: usize,
    pub(crate) dialect: D,
    pub(crate) link: Link,
    pub(crate) table: Arc<Table>,
    pub(crate) inbox: Arc<Inbox>,
    /// Knows whether probes can have been sent, and on which channel.
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) heartbeat: Duration,
}

/// Receives the push messages of one connection.
struct PushReceiver {
    inbox: Arc<Inbox>,
    /// What the channels of this process' probes start with.
    probe_prefix: String,
    /// The number of the connection.
    connection: AtomicU64,
    /// The connection was given up: what it still receives is ignored.
    given_up: AtomicBool,
    lost: Notify,
    /// How many channels Redis sends, by the confirmations that arrived and by Redis' own count.
    confirmed: AtomicI64,
    reported: AtomicI64,
    /// How many of them are probe channels.
    probing: AtomicI64,
    /// How many probes came back.
    probes: AtomicU64,
}

impl<D: SubscribeDialect> Listener<D> {
    /// Listens. Never returns.
    pub(crate) async fn run(self) {
        let mut backoff = Backoff::default();
        loop {
            while !D::LISTENS_IDLE && !self.is_wanted() {
                self.table.lock().idle(self.shard);
                let changed = self.table.lock().changed(self.shard);
                changed.notified().await;
            }
            let receiver = Arc::new(PushReceiver::new(&self.inbox, self.outbox.probe_prefix()));
            let push = {
                let receiver = receiver.clone();
                move |info: PushInfo| {
                    receiver.receive::<D>(info);
                    Ok::<_, ()>(())
                }
            };
            match self.link.connect(push).await {
                Ok(connected) => {
                    let number = self.table.lock().connected(self.shard);
                    receiver.connection.store(number, Ordering::Release);
                    let since = Instant::now();
                    let served = self.serve(connected, &receiver, number).await;
                    receiver.given_up.store(true, Ordering::Release);
                    let Err(why) = served else {
                        tracing::debug!(redis = %self.link.address.shown, "nothing to listen to");
                        self.table.lock().lost(self.shard, number, None);
                        continue;
                    };
                    metrics::counter!("jstack_broker_connections_lost_total").increment(1);
                    observe::warning!(redis = %self.link.address.shown, why, "lost the listening connection");
                    self.table.lock().lost(self.shard, number, Some(&why));
                    self.dialect.connection_lost();
                    if since.elapsed() >= STABLE {
                        backoff.reset();
                    } else {
                        sleep(backoff.next()).await;
                    }
                }
                Err(why) => {
                    tracing::debug!(redis = %self.link.address.shown, why, "cannot connect");
                    self.table.lock().down(self.shard, &why);
                    self.dialect.connection_lost();
                    sleep(backoff.next()).await;
                }
            }
        }
    }

    /// Follows the table until nothing is wanted, or fails with the reason for which the
    /// connection failed.
    async fn serve(
        &self,
        mut connected: Connected,
        receiver: &PushReceiver,
        number: u64,
    ) -> Result<(), String> {
        let explain = |error| self.link.explain(&error);
        let mut probe = String::new();
        self.subscribe_probe(&mut connected.connection, &mut probe).await.map_err(explain)?;
        let mut heartbeat = interval(self.heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = LastProbe { probes: 0, at: Instant::now() };
        let changed = self.table.lock().changed(self.shard);
        self.outbox.request_connection(self.shard);
        loop {
            self.follow(&mut connected.connection, number).await.map_err(explain)?;
            tokio::select! {
                () = receiver.lost.notified() => return Err("Redis closed the connection".to_owned()),
                () = changed.notified() => {}
                _ = heartbeat.tick() => {
                    if !D::LISTENS_IDLE && !self.is_wanted() {
                        return Ok(());
                    }
                    let moved = probe != self.outbox.probe_name(self.shard);
                    if moved || receiver.probing.load(Ordering::Acquire) == 0 {
                        let connection = &mut connected.connection;
                        self.subscribe_probe(connection, &mut probe).await.map_err(explain)?;
                    }
                    self.outbox.request_connection(self.shard);
                    self.check(&mut connected, receiver, &mut last).await?;
                }
            }
        }
    }

    fn is_wanted(&self) -> bool {
        self.table.lock().retain_wanted(self.shard)
    }

    /// Subscribes to this process' probes, where they are sent now.
    async fn subscribe_probe(
        &self,
        connection: &mut MultiplexedConnection,
        probe: &mut String,
    ) -> RedisResult<()> {
        let now = self.outbox.probe_name(self.shard);
        if !probe.is_empty() && *probe != now {
            let outcome = command(connection, D::UNSUBSCRIBE, probe).await;
            outcome.or_else(|error| self.ignore_redirect(error))?;
        }
        let outcome = command(connection, D::SUBSCRIBE, &now).await;
        outcome.or_else(|error| self.ignore_redirect(error))?;
        *probe = now;
        Ok(())
    }

    /// A channel that another server carries is not a reason to give up the connection.
    fn ignore_redirect(&self, error: RedisError) -> RedisResult<()> {
        if self.dialect.note_redirect(&error) { Ok(()) } else { Err(error) }
    }

    /// Asks Redis for what is wanted and was not asked for yet.
    async fn follow(&self, connection: &mut MultiplexedConnection, number: u64) -> RedisResult<()> {
        let work = self.table.lock().work(self.shard, number);
        if !work.end.is_empty() {
            self.dialect.unsubscribe(connection, &work.end).await?;
        }
        if !work.begin.is_empty() {
            let to = (connection, &self.link, number);
            self.dialect.subscribe(to, &self.table, &work.begin).await?;
        }
        Ok(())
    }

    /// The heartbeat: Redis answers, sends the channels that it should, and sends them here.
    async fn check(
        &self,
        connected: &mut Connected,
        receiver: &PushReceiver,
        last: &mut LastProbe,
    ) -> Result<(), String> {
        let ping = ::redis::cmd("PING").query_async::<Value>(&mut connected.connection).await;
        ping.map_err(|error| self.link.explain(&error))?;
        if !self.link.is_current(connected).await {
            return Err("the Sentinels name another server".to_owned());
        }
        if self.difference(receiver).is_some() {
            sleep(INBOX_TIME).await;
            self.difference(receiver).map_or(Ok(()), Err)?;
        }
        let probes = receiver.probes.load(Ordering::Acquire);
        if probes != last.probes || self.outbox.is_away(self.shard) {
            *last = LastProbe { probes, at: Instant::now() };
        } else if last.at.elapsed() > self.heartbeat * MISSED_PROBES + self.link.answer {
            return Err("the probes of this process do not come back".to_owned());
        }
        Ok(())
    }

    /// How what Redis sends differs from what it was asked for. Marks what is missing.
    fn difference(&self, receiver: &PushReceiver) -> Option<String> {
        let confirmed = receiver.confirmed.load(Ordering::Acquire);
        let reported = receiver.reported.load(Ordering::Acquire);
        if confirmed != reported {
            return Some(format!("Redis sends {reported} channels instead of {confirmed}"));
        }
        let live = i64::try_from(self.table.lock().reconcile(self.shard)?).unwrap_or(i64::MAX);
        let probing = receiver.probing.load(Ordering::Acquire);
        (live.saturating_add(probing) != confirmed).then(|| {
            format!("{live} channels and {probing} probe channels are wanted, and Redis sends {confirmed}")
        })
    }
}

/// Sends a command about one channel.
async fn command(
    connection: &mut MultiplexedConnection,
    command: &str,
    channel: &str,
) -> RedisResult<()> {
    ::redis::cmd(command).arg(channel).query_async::<Value>(connection).await.map(drop)
}

/// How many probes had come back when that last changed.
struct LastProbe {
    probes: u64,
    at: Instant,
}

impl PushReceiver {
    fn new(inbox: &Arc<Inbox>, probe_prefix: String) -> Self {
        Self {
            inbox: inbox.clone(),
            probe_prefix,
            connection: AtomicU64::new(u64::MAX),
            given_up: AtomicBool::new(false),
            lost: Notify::new(),
            confirmed: AtomicI64::new(0),
            reported: AtomicI64::new(0),
            probing: AtomicI64::new(0),
            probes: AtomicU64::new(0),
        }
    }

    /// Runs on the connection's own task, so it only sorts and hands over.
    fn receive<D: SubscribeDialect>(&self, info: PushInfo) {
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
        let is_probe = channel.starts_with(self.probe_prefix.as_bytes());
        match (D::push_event(&info.kind), data.next()) {
            (Some(PushEvent::Message), Some(Value::BulkString(payload))) => {
                if is_probe {
                    self.probes.fetch_add(1, Ordering::AcqRel);
                } else {
                    self.inbox.message(channel, payload, connection);
                }
            }
            (
                Some(event @ (PushEvent::Subscribed | PushEvent::Unsubscribed)),
                Some(Value::Int(count)),
            ) => {
                let begun = event == PushEvent::Subscribed;
                let one = if begun { 1 } else { -1 };
                // A repeated subscription does not change the count.
                let changes = count != self.confirmed.load(Ordering::Acquire);
                self.confirmed.fetch_add(if changes { one } else { 0 }, Ordering::AcqRel);
                self.reported.store(count, Ordering::Release);
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
