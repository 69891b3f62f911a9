//! The connection that publishes.
//!
//! Everything that waits goes out in one write, and up to `MAX_IN_FLIGHT` writes may be on their
//! way. Redis answers in order, so the front write completes first.
//!
//! ```text
//!            take (all that waits)      send            answer
//!   outbox ────────────────────────▶ ┌───────────┐ ──────────────▶ complete ──▶ emits: Ok / Err
//!      ▲                             │ in flight │                    │
//!      │                             └───────────┘                    │ MOVED (cluster)
//!      │          all writes are back                                 ▼
//!      └───────────────────────────────────────────────────────── Redirected
//! ```
//!
//! States of one run of [`Publisher::run`]:
//!
//! - *idle* (cluster only): nothing is published to the shard, so there is no connection.
//! - *connecting*: what waits keeps waiting until it expires. If the attempt fails, the outbox is
//!   *down*: what waits fails, and later emits fail at once.
//! - *serving*: messages are sent. Until the server has taken one, and while it refuses probes, the
//!   outbox reports trouble: a connection alone does not prove that this process may publish. When the connection fails, every write without an answer fails,
//!   because it is unknown whether Redis took it. Nothing is sent twice.
//!
//! Invariants:
//!
//! - Messages of one channel reach Redis in the order in which they were accepted.
//! - A message that Redis redirects is not sent elsewhere before all writes in flight have
//!   completed, and nothing new is sent meanwhile. Otherwise a later message of its channel could
//!   overtake it. If one already did, the redirected message fails (`Redirected::fail_overtaken`).
//! - The outbox hears of every completed write exactly once. While redirected messages are held,
//!   completed writes are counted in `Redirected::writes` and reported together with them.
//! - A write whose first message has expired ends the connection: later answers cannot be matched
//!   with their commands any more.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::redis::{PushInfo, PushKind, RedisError, RedisResult, Value};
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::coalesce::Appending;
use super::in_flight::{InFlight, Proof, Writes, front, send};
use super::outbox::Outbox;
use super::pending::PendingMessages;
use super::queue::Take;
use crate::broker::redis::connect::{Backoff, Connected, ConnectionLog, Link};
use crate::broker::redis::counters::COUNTERS;
use crate::broker::redis::dialect::Dialect;
use crate::broker::redis::failure::publish_failed;
use crate::broker::redis::history::ServerLink;
use crate::broker::redis::timer::sleep_until_opt;
use crate::observe;

/// Scheduler turns for which messages wait for others to share their write, as long as more come,
/// and the longest time for it.
const JOIN_TURNS: usize = 8;
const JOIN_TIME: Duration = Duration::from_micros(500);
/// A connection that lasted so long resets the backoff.
const STABLE: Duration = Duration::from_secs(1);

/// The environment of a publishing connection.
pub(crate) struct Publisher<D> {
    pub(crate) shard: usize,
    pub(crate) dialect: D,
    pub(crate) link: Link,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) heartbeat: Duration,
}

/// The server's answer to one command.
enum Verdict {
    Taken,
    /// Another server carries its channel.
    Redirected,
    /// It was refused, for this reason.
    Refused(String),
}

impl<D: Dialect> Publisher<D> {
    /// Publishes. Never returns.
    pub(crate) async fn run(self) {
        let mut backoff = Backoff::default();
        let mut log = ConnectionLog::new("publish", &self.link);
        let filled = self.outbox.filled(self.shard);
        loop {
            while !D::PUBLISHES_IDLE && !self.outbox.is_wanted(self.shard) {
                self.outbox.idle(self.shard);
                filled.notified().await;
            }
            let lost = Arc::new(Notify::new());
            let push = {
                let lost = lost.clone();
                move |info: PushInfo| {
                    if info.kind == PushKind::Disconnection {
                        lost.notify_one();
                    }
                    Ok::<_, ()>(())
                }
            };
            match self.while_expiring(&filled, self.link.connect(push)).await {
                Ok(connected) => {
                    log.connected();
                    let server = Arc::new(ServerLink::new(connected.connection.clone()));
                    self.outbox.up(self.shard, server.clone());
                    let since = Instant::now();
                    let Err(why) = self.serve(connected, &server, &lost, &filled).await else {
                        tracing::debug!(redis = %self.link.address.shown, "nothing to publish");
                        continue;
                    };
                    COUNTERS.connections_lost.increment(1);
                    log.lost(&why);
                    self.outbox.lost(self.shard, &why);
                    self.dialect.connection_lost();
                    if since.elapsed() >= STABLE {
                        backoff.reset();
                    } else {
                        self.while_expiring(&filled, sleep(backoff.next())).await;
                    }
                }
                Err(why) => {
                    log.failed(&why);
                    self.outbox.down(self.shard, &why);
                    self.dialect.connection_lost();
                    sleep(backoff.next()).await;
                }
            }
        }
    }

    /// Waits for `future`, and meanwhile fails what expires.
    async fn while_expiring<T>(&self, filled: &Notify, future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        loop {
            let due = self.outbox.due(self.shard);
            tokio::select! {
                output = &mut future => return output,
                () = sleep_until_opt(due), if due.is_some() => {
                    self.outbox.expire(self.shard, Instant::now());
                }
                () = filled.notified(), if due.is_none() => {}
            }
        }
    }

    /// Publishes until the shard is not wanted any more, or fails with the reason for which the
    /// connection failed.
    async fn serve(
        &self,
        connected: Connected,
        server: &ServerLink,
        lost: &Notify,
        filled: &Notify,
    ) -> Result<(), String> {
        let mut writes = Writes::new();
        let mut supervision = std::pin::pin!(self.link.supervise(&connected, self.heartbeat));
        let mut heartbeat = interval(self.heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut probes = 0_u64;
        let end = loop {
            writes.requeue_redirected(&self.outbox, self.shard);
            let may_send = writes.may_send();
            // When to look again at what is held back although a write could be sent.
            let mut due = None;
            if may_send {
                let completed = std::mem::take(&mut writes.completed);
                match self.outbox.take(self.shard, completed, &mut writes.spare) {
                    Take::Messages(messages) => {
                        let id = match self.replication_id(server, &messages).await {
                            Ok(id) => id,
                            Err(why) => {
                                messages.fail(&why);
                                writes.completed += 1;
                                break Err(why);
                            }
                        };
                        let appending = Appending { server: id, is_loaded: writes.is_loaded };
                        writes.is_loaded |= messages.has_history();
                        let connection = connected.connection.clone();
                        let write =
                            send::<D>(connection, messages, appending, self.link.form).await;
                        writes.in_flight.push_back(write);
                        continue;
                    }
                    Take::Held(until) => due = Some(until),
                    Take::Nothing => {}
                }
            }
            let is_empty = writes.in_flight.is_empty();
            if is_empty && !D::PUBLISHES_IDLE && !self.outbox.is_wanted(self.shard) {
                break Ok(());
            }
            let expiry = writes.in_flight.front().map(|write| write.expires);
            tokio::select! {
                biased;
                answer = front(&mut writes.in_flight), if !is_empty => {
                    if let Err(why) = self.complete(&mut writes, answer) {
                        break Err(why);
                    }
                }
                () = filled.notified(), if may_send => self.let_others_join().await,
                () = lost.notified(), if is_empty => break Err("Redis closed the connection".to_owned()),
                () = sleep_until_opt(expiry), if expiry.is_some() => {
                    break Err("no answer within the deadline".to_owned());
                }
                () = sleep_until_opt(due), if due.is_some() => {
                    self.outbox.expire(self.shard, Instant::now());
                }
                why = &mut supervision => break Err(why),
                _ = heartbeat.tick() => {
                    probes += 1;
                    self.outbox.probe(&self.outbox.probe_name(self.shard), &probes.to_be_bytes());
                }
            }
        };
        self.end(writes, end.as_ref().err().map_or("", String::as_str)).await;
        end
    }

    /// Which server the connection leads to, if that matters for what is to be sent.
    async fn replication_id<'a>(
        &self,
        server: &'a ServerLink,
        messages: &PendingMessages,
    ) -> Result<&'a str, String> {
        if !messages.has_history() {
            return Ok("");
        }
        let until = messages.expires().unwrap_or_else(Instant::now);
        let id = timeout(until.saturating_duration_since(Instant::now()), server.replication_id());
        match id.await {
            Ok(id) => id.map_err(|error| self.link.explain(&error)),
            Err(_) => Err("no answer within the deadline".to_owned()),
        }
    }

    /// Lets tasks run that are ready to publish, so that they share the write.
    async fn let_others_join(&self) {
        let since = Instant::now();
        let mut waiting = 1;
        for _ in 0..JOIN_TURNS {
            yield_now().await;
            let now = self.outbox.waiting(self.shard);
            if now <= waiting || since.elapsed() > JOIN_TIME {
                return;
            }
            waiting = now;
        }
    }

    /// Completes the front write. Fails if the connection did.
    fn complete(&self, writes: &mut Writes, answer: RedisResult<Vec<Value>>) -> Result<(), String> {
        let Some(mut write) = writes.in_flight.pop_front() else { return Ok(()) };
        let before = writes.proof.clone();
        let outcome = self.judge_all(&mut write, answer, writes);
        if writes.proof != before {
            self.report_proof(&writes.proof);
        }
        if outcome.is_ok() && writes.redirected.is_holding() {
            writes.redirected.writes += 1;
        } else {
            writes.completed += 1;
        }
        writes.spare = write.messages.emptied();
        outcome
    }

    /// Reports to the emits of a write what the server answered. Fails if the connection did.
    fn judge_all(
        &self,
        write: &mut InFlight,
        answer: RedisResult<Vec<Value>>,
        writes: &mut Writes,
    ) -> Result<(), String> {
        let Writes { redirected, proof, is_loaded, .. } = writes;
        let answers = match answer {
            Ok(answers) => answers,
            Err(error) => {
                let why = self.link.explain(&error);
                std::mem::take(&mut write.messages).fail(&why);
                return Err(why);
            }
        };
        let verdicts: Vec<_> =
            answers.into_iter().map(|answer| self.judge(answer, is_loaded)).collect();
        // Why an earlier message of the same publish was refused.
        let mut refusal = None;
        let mut commands = write.command_of.iter();
        write.messages.drain(|channel, payload, message| {
            let verdict = commands.next().and_then(|&command| verdicts.get(command));
            let is_probe = message.channel_key == 0;
            match verdict {
                Some(Verdict::Taken) => proof.note(is_probe, None),
                Some(Verdict::Refused(why)) => proof.note(is_probe, Some(why)),
                _ => {}
            }
            match verdict {
                Some(Verdict::Taken) if redirected.channels.is_empty() => {}
                Some(Verdict::Taken) => redirected.fail_overtaken(channel),
                Some(Verdict::Redirected) => {
                    redirected.channels.insert(channel.into());
                    redirected.messages.push(channel, payload, message);
                    return;
                }
                Some(Verdict::Refused(why)) => drop(refusal.get_or_insert_with(|| why.clone())),
                // The client library returns as many answers as there were commands.
                None => drop(refusal.get_or_insert_with(|| "it gave no answer".to_owned())),
            }
            if let Some(done) = message.done {
                let _ = done.send(match refusal.take() {
                    None => Ok(()),
                    Some(why) => Err(publish_failed(&why)),
                });
            }
        });
        Ok(())
    }

    fn report_proof(&self, proof: &Proof) {
        let refusal = proof.refusal();
        if let Some(why) = refusal {
            observe::warning!(redis = %self.link.address.shown, why, "Redis refuses what is published");
        }
        self.outbox.proved(self.shard, refusal);
    }

    fn judge(&self, answer: Value, is_loaded: &mut bool) -> Verdict {
        let Value::ServerError(error) = answer else { return Verdict::Taken };
        let error = RedisError::from(error);
        if error.code() == Some("NOSCRIPT") {
            // It forgot the script, and gets it with what is sent next.
            *is_loaded = false;
            return Verdict::Redirected;
        }
        if self.dialect.note_redirect(&error) {
            Verdict::Redirected
        } else {
            Verdict::Refused(self.link.explain(&error))
        }
    }

    /// The connection is given up, for this reason: completes what was answered before, and fails
    /// the rest.
    async fn end(&self, mut writes: Writes, why: &str) {
        while let Some(write) = writes.in_flight.front_mut() {
            if let Ok(answer) = timeout(Duration::ZERO, &mut write.answer).await {
                // The connection has failed already.
                drop(self.complete(&mut writes, answer));
            } else if let Some(write) = writes.in_flight.pop_front() {
                write.messages.fail(why);
                writes.completed += 1;
            }
        }
        self.outbox.requeue(self.shard, writes.redirected.messages);
        self.outbox.completed(self.shard, writes.completed + writes.redirected.writes);
    }
}
