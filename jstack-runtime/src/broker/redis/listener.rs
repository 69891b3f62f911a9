//! The connection that listens: it makes Redis follow the table, and notices when Redis does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ::redis::aio::MultiplexedConnection;
use ::redis::{PushInfo, PushKind, RedisError, Value};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep, sleep_until};

use super::entry::Entry;
use super::inbox::Inbox;
use super::link::{Backoff, Connected, Link};
use super::outbox::Outbox;
use super::table::Table;

/// Channels that are named in one command.
const AT_ONCE: usize = 1_000;
/// Heartbeats without our own sign of life after which the connection is deaf.
const DEAF: u32 = 3;
/// A connection that lasted so long was a good one.
const GOOD: Duration = Duration::from_secs(1);

/// What the listening connection needs.
pub(super) struct Listener {
    pub(super) link: Link,
    pub(super) table: Arc<Table>,
    pub(super) inbox: Arc<Inbox>,
    /// Says whether our own signs of life can have been sent.
    pub(super) outbox: Arc<Outbox>,
    pub(super) heartbeat: Duration,
    /// The channel of our own signs of life.
    pub(super) probe: String,
}

/// What one connection is heard to say.
struct Ear {
    inbox: Arc<Inbox>,
    table: Arc<Table>,
    probe: String,
    /// The number of the connection, once it counts.
    connection: AtomicU64,
    lost: Notify,
    /// Channels that Redis has said it sends: our count, and Redis' own.
    ours: AtomicI64,
    theirs: AtomicI64,
    /// Our own signs of life.
    probes: AtomicU64,
}

impl Listener {
    /// Listens for ever.
    pub(super) async fn run(self) {
        let mut backoff = Backoff::default();
        loop {
            let ear = Arc::new(Ear {
                inbox: self.inbox.clone(),
                table: self.table.clone(),
                probe: self.probe.clone(),
                connection: AtomicU64::new(u64::MAX),
                lost: Notify::new(),
                ours: AtomicI64::new(0),
                theirs: AtomicI64::new(0),
                probes: AtomicU64::new(0),
            });
            let push = {
                let ear = ear.clone();
                move |info: PushInfo| {
                    ear.hear(info);
                    Ok::<_, ()>(())
                }
            };
            match self.link.connect(push).await {
                Ok(connected) => {
                    ear.connection.store(self.table.connected(), Ordering::Release);
                    let since = Instant::now();
                    let why = self.serve(connected, &ear).await;
                    metrics::counter!("jstack_broker_connections_lost_total").increment(1);
                    tracing::warn!(redis = %self.link.address.shown, why, "lost the listening connection");
                    self.table.lost(&why);
                    if since.elapsed() >= GOOD {
                        backoff.reset();
                    } else {
                        sleep(backoff.next()).await;
                    }
                }
                Err(why) => {
                    tracing::debug!(redis = %self.link.address.shown, why, "cannot connect");
                    self.table.down(&why);
                    sleep(backoff.next()).await;
                }
            }
        }
    }

    /// Follows the table until the connection fails, and says why it did.
    async fn serve(&self, mut connected: Connected, ear: &Ear) -> String {
        if let Err(error) = connected.connection.subscribe(&self.probe).await {
            return self.link.explain(&error);
        }
        let mut heartbeat = interval(self.heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Heard { probes: 0, at: Instant::now() };
        loop {
            if let Err(error) = self.follow(&mut connected.connection).await {
                return self.link.explain(&error);
            }
            let due = self.table.sweep(Instant::now());
            tokio::select! {
                () = ear.lost.notified() => return "Redis closed the connection".to_owned(),
                () = self.table.changed.notified() => {}
                () = at(due), if due.is_some() => {}
                _ = heartbeat.tick() => {
                    if let Err(why) = self.check(&mut connected, ear, &mut heard).await {
                        return why;
                    }
                }
            }
        }
    }

    /// Asks Redis for what is wanted and not asked for yet.
    async fn follow(&self, connection: &mut MultiplexedConnection) -> Result<(), RedisError> {
        let work = self.table.work();
        for entries in work.end.chunks(AT_ONCE) {
            connection.unsubscribe(names(entries)).await?;
        }
        for entries in work.begin.chunks(AT_ONCE) {
            match connection.subscribe(names(entries)).await {
                Ok(()) => {}
                Err(error) if is_refusal(&error) => {
                    let why = self.link.explain(&error);
                    tracing::error!(why, "Redis refuses subscriptions");
                    self.table.refused(entries, &why);
                }
                Err(error) => return Err(error),
            }
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
        let (ours, theirs) = (ear.ours.load(Ordering::Acquire), ear.theirs.load(Ordering::Acquire));
        if ours != theirs {
            return Err(format!("Redis sends {theirs} channels instead of {ours}"));
        }
        // What was refused, or ended without being asked to, is asked for again.
        if let Some(live) = self.table.check()
            && i64::try_from(live + 1) != Ok(ours)
        {
            return Err(format!("{live} channels are wanted, and Redis sends {ours} with our own"));
        }
        let probes = ear.probes.load(Ordering::Acquire);
        if probes != heard.probes || self.outbox.trouble().is_some() {
            *heard = Heard { probes, at: Instant::now() };
        } else if heard.at.elapsed() > self.heartbeat * DEAF + self.link.answer {
            return Err("our own messages do not come back".to_owned());
        }
        Ok(())
    }
}

/// Our own signs of life as they were when last looked at.
struct Heard {
    probes: u64,
    at: Instant,
}

fn names(entries: &[Arc<Entry>]) -> Vec<&str> {
    entries.iter().map(|entry| &*entry.name).collect()
}

/// Redis has answered, and said no.
fn is_refusal(error: &RedisError) -> bool {
    error.code().is_some() && !error.is_io_error()
}

/// The moment `when`, if there is one.
async fn at(when: Option<Instant>) {
    match when {
        Some(when) => sleep_until(when.into()).await,
        None => std::future::pending().await,
    }
}

impl Ear {
    /// Runs on the connection's own task: it sorts, and hands over.
    fn hear(&self, info: PushInfo) {
        let connection = self.connection.load(Ordering::Acquire);
        if info.kind == PushKind::Disconnection {
            self.lost.notify_one();
            return;
        }
        if connection != self.table.connection() {
            return;
        }
        let mut data = info.data.into_iter();
        let Some(Value::BulkString(channel)) = data.next() else { return };
        let is_probe = channel == self.probe.as_bytes();
        match (info.kind, data.next()) {
            (PushKind::Message, Some(Value::BulkString(payload))) => {
                if is_probe {
                    self.probes.fetch_add(1, Ordering::AcqRel);
                } else {
                    self.inbox.message(channel, payload);
                }
            }
            (kind @ (PushKind::Subscribe | PushKind::Unsubscribe), Some(Value::Int(count))) => {
                let begun = kind == PushKind::Subscribe;
                self.ours.fetch_add(if begun { 1 } else { -1 }, Ordering::AcqRel);
                self.theirs.store(count, Ordering::Release);
                if !is_probe {
                    self.inbox.change(channel, begun, connection);
                }
            }
            _ => {}
        }
    }
}
