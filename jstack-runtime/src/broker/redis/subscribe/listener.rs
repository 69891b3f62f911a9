//! The connection that listens: it makes Redis follow the table, and notices when Redis does not.
//!
//! Three things show that the connection works. Redis answers on it and is the master
//! (`Link::supervise`). The number of subscriptions that Redis reports is the number that this
//! process expects. And the probes come back, which this process publishes to its probe channel.
//!
//! An error reply proves that Redis is there. It is trouble, which is reported until it is over, and
//! not a reason to give up the connection: that would lose the messages of every room.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::redis::aio::MultiplexedConnection;
use ::redis::{PushInfo, PushKind, RedisResult, Value};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::dialect::{PushEvent, SubscribeDialect};
use super::inbox::Inbox;
use super::subscriptions::Census;
use super::table::Table;
use crate::broker::redis::connect::{Backoff, Connected, ConnectionLog, Link, is_reply};
use crate::broker::redis::counters::COUNTERS;
use crate::broker::redis::publish::Outbox;
use crate::broker::redis::timer::sleep_until_opt;

/// Heartbeats without a probe after which the connection is given up.
const MISSED_PROBES: u32 = 3;
/// A connection that lasted so long resets the backoff.
const STABLE: Duration = Duration::from_secs(1);
/// After this time, everything that Redis has sent has passed the inbox.
const INBOX_TIME: Duration = Duration::from_millis(100);

/// The environment of a listening connection.
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
    /// How many probes came back, and a notification for the first one.
    probes: AtomicU64,
    proved: Notify,
}

impl<D: SubscribeDialect> Listener<D> {
    /// Listens. Never returns.
    pub(crate) async fn run(self) {
        let mut backoff = Backoff::default();
        let mut log = ConnectionLog::new("listen", &self.link);
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
                    log.connected();
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
                    COUNTERS.connections_lost.increment(1);
                    log.lost(&why);
                    self.table.lock().lost(self.shard, number, Some(&why));
                    self.dialect.connection_lost();
                    if since.elapsed() >= STABLE {
                        backoff.reset();
                    } else {
                        sleep(backoff.next()).await;
                    }
                }
                Err(why) => {
                    log.failed(&why);
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
        connected: Connected,
        receiver: &PushReceiver,
        number: u64,
    ) -> Result<(), String> {
        let mut supervision = std::pin::pin!(self.link.supervise(&connected, self.heartbeat));
        let mut connection = connected.connection.clone();
        let mut probe = ProbeChannel::default();
        self.subscribe_probe(&mut connection, &mut probe).await?;
        let mut heartbeat = interval(self.heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = LastProbe { probes: 0, at: Instant::now() };
        // When to look again at a difference, which may only be on its way through the inbox.
        let mut recheck = None;
        let changed = self.table.lock().changed(self.shard);
        self.outbox.request_connection(self.shard);
        loop {
            let followed = self.follow(&mut connection, number).await;
            followed.map_err(|error| self.link.explain(&error))?;
            tokio::select! {
                () = receiver.lost.notified() => return Err("Redis closed the connection".to_owned()),
                why = &mut supervision => return Err(why),
                () = changed.notified() => {}
                () = receiver.proved.notified() => {
                    self.check(receiver, &probe);
                }
                () = sleep_until_opt(recheck), if recheck.is_some() => {
                    recheck = None;
                    self.check(receiver, &probe).map_or(Ok(()), Err)?;
                }
                _ = heartbeat.tick() => {
                    if !D::LISTENS_IDLE && !self.is_wanted() {
                        return Ok(());
                    }
                    let moved = probe.name != self.outbox.probe_name(self.shard);
                    if moved || receiver.probing.load(Ordering::Acquire) == 0 {
                        self.subscribe_probe(&mut connection, &mut probe).await?;
                    }
                    self.outbox.request_connection(self.shard);
                    if self.check(receiver, &probe).is_some() {
                        recheck = Some(Instant::now() + INBOX_TIME);
                    }
                    self.check_probes(receiver, &mut last)?;
                }
            }
        }
    }

    fn is_wanted(&self) -> bool {
        self.table.lock().retain_wanted(self.shard)
    }

    /// Subscribes to this process' probes, where they are sent now, and sends one. Fails if the
    /// connection does.
    async fn subscribe_probe(
        &self,
        connection: &mut MultiplexedConnection,
        probe: &mut ProbeChannel,
    ) -> Result<(), String> {
        let now = self.outbox.probe_name(self.shard);
        if !probe.name.is_empty() && probe.name != now {
            let outcome = command(connection, D::UNSUBSCRIBE, &probe.name).await;
            self.refusal(outcome)?;
        }
        let outcome = command(connection, D::SUBSCRIBE, &now).await;
        probe.refusal = self.refusal(outcome)?;
        probe.name = now;
        if probe.refusal.is_none() && !probe.name.is_empty() {
            self.outbox.probe(&probe.name, &0_u64.to_be_bytes());
        }
        Ok(())
    }

    /// Why Redis refused a command, if it did. Fails if the connection did. A channel that another
    /// server carries is not refused: the route will say where it is.
    fn refusal(&self, outcome: RedisResult<()>) -> Result<Option<String>, String> {
        match outcome {
            Ok(()) => Ok(None),
            Err(error) if self.dialect.note_redirect(&error) => Ok(None),
            Err(error) if is_reply(&error) => Ok(Some(self.link.explain(&error))),
            Err(error) => Err(self.link.explain(&error)),
        }
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

    /// Looks at what Redis sends, and notes what is wrong. Returns how it differs from what Redis
    /// was asked for.
    fn check(&self, receiver: &PushReceiver, probe: &ProbeChannel) -> Option<String> {
        let mut table = self.table.lock();
        let census = table.reconcile(self.shard, Instant::now(), self.link.answer);
        let trouble = if let Some(why) = &probe.refusal {
            Some(why.clone())
        } else if receiver.probes.load(Ordering::Acquire) == 0 {
            Some("nothing was received yet".to_owned())
        } else if census.overdue > 0 {
            Some(format!("Redis does not confirm {} subscriptions", census.overdue))
        } else {
            None
        };
        table.set_trouble(self.shard, trouble);
        drop(table);
        receiver.difference(census)
    }

    /// Fails if probes that Redis takes do not come back.
    fn check_probes(&self, receiver: &PushReceiver, last: &mut LastProbe) -> Result<(), String> {
        let probes = receiver.probes.load(Ordering::Acquire);
        let is_probing = receiver.probing.load(Ordering::Acquire) > 0;
        if probes != last.probes || !is_probing || !self.outbox.takes_probes(self.shard) {
            *last = LastProbe { probes, at: Instant::now() };
        } else if last.at.elapsed() > self.heartbeat * MISSED_PROBES + self.link.answer {
            return Err("the probes of this process do not come back".to_owned());
        }
        Ok(())
    }
}

/// The channel of this process' probes.
#[derive(Default)]
struct ProbeChannel {
    /// Empty before it was asked for.
    name: String,
    /// Why Redis does not send it.
    refusal: Option<String>,
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
            proved: Notify::new(),
        }
    }

    /// How what Redis sends differs from what it was asked for.
    fn difference(&self, census: Census) -> Option<String> {
        let confirmed = self.confirmed.load(Ordering::Acquire);
        let reported = self.reported.load(Ordering::Acquire);
        if confirmed != reported {
            return Some(format!("Redis sends {reported} channels instead of {confirmed}"));
        }
        let probing = self.probing.load(Ordering::Acquire);
        let channels = usize::try_from(confirmed.saturating_sub(probing)).unwrap_or_default();
        let Census { live, pending, .. } = census;
        (channels < live || channels > live + pending).then(|| {
            format!("Redis sends {channels} channels instead of {live} to {}", live + pending)
        })
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
                    if self.probes.fetch_add(1, Ordering::AcqRel) == 0 {
                        self.proved.notify_one();
                    }
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
