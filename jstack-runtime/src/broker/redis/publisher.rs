//! The connection that publishes: what waits goes out in one write, and several writes may be on
//! their way.

use std::collections::{HashSet, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use ::redis::aio::MultiplexedConnection;
use ::redis::{PushInfo, PushKind, RedisError, RedisResult, Value};
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::dialect::Dialect;
use super::gather::{Gathered, gather};
use super::link::{Backoff, Connected, Link};
use super::load::Load;
use super::outbox::{Outbox, Take, fail, refused};
use super::table::at;

/// Writes that may be on their way at once: one would leave Redis idle while we read its answers,
/// many would be small.
const FLIGHTS: usize = 2;
/// Turns of the scheduler that what could be sent waits for more to join it, as long as more come,
/// and how long that may take.
const TURNS: usize = 8;
const PATIENCE: Duration = Duration::from_micros(500);
/// A connection that lasted so long was a good one.
const GOOD: Duration = Duration::from_secs(1);

/// What a publishing connection needs.
pub(super) struct Publisher<D> {
    pub(super) shard: usize,
    pub(super) dialect: D,
    pub(super) link: Link,
    pub(super) outbox: Arc<Outbox>,
    pub(super) heartbeat: Duration,
}

/// One write and those who wait for its answer.
struct Flight {
    answer: Pin<Box<dyn Future<Output = RedisResult<Vec<Value>>> + Send>>,
    load: Load,
    /// Of each message, whose answer is its.
    by: Vec<usize>,
    expires: Instant,
}

/// What the server says of one publish.
enum Verdict {
    Taken,
    /// Its channel is another server's.
    Elsewhere,
    /// It was refused, for this reason.
    Refused(String),
}

/// Messages that the server says are elsewhere. They go there when all flights are back: one that
/// comes later must not be overtaken.
#[derive(Default)]
struct Elsewhere {
    load: Load,
    channels: HashSet<Box<[u8]>>,
    /// Flights that have come back since.
    flights: u64,
}

impl<D: Dialect> Publisher<D> {
    /// Publishes for ever.
    pub(super) async fn run(self) {
        let mut backoff = Backoff::default();
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
                    self.outbox.up(self.shard);
                    let since = Instant::now();
                    let Err(why) = self.serve(connected, &lost, &filled).await else {
                        tracing::debug!(redis = %self.link.address.shown, "nothing to publish");
                        continue;
                    };
                    tracing::warn!(redis = %self.link.address.shown, why, "lost the publishing connection");
                    self.outbox.lost(self.shard, &why);
                    self.dialect.is_away();
                    if since.elapsed() >= GOOD {
                        backoff.reset();
                    } else {
                        self.while_expiring(&filled, sleep(backoff.next())).await;
                    }
                }
                Err(why) => {
                    self.outbox.down(self.shard, &why);
                    self.dialect.is_away();
                    sleep(backoff.next()).await;
                }
            }
        }
    }

    /// Waits for `future`, and meanwhile fails what waits too long.
    async fn while_expiring<T>(&self, filled: &Notify, future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        loop {
            let due = self.outbox.due(self.shard);
            tokio::select! {
                output = &mut future => return output,
                () = at(due), if due.is_some() => self.outbox.expire(self.shard, Instant::now()),
                () = filled.notified(), if due.is_none() => {}
            }
        }
    }

    /// Publishes until the shard is another server's, or the connection fails; then says why it
    /// did.
    async fn serve(
        &self,
        connected: Connected,
        lost: &Notify,
        filled: &Notify,
    ) -> Result<(), String> {
        let mut flights: VecDeque<Flight> = VecDeque::with_capacity(FLIGHTS);
        let mut elsewhere = Elsewhere::default();
        let mut heartbeat = interval(self.heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut probes = 0_u64;
        // Flights that have come to an end since the outbox was told.
        let mut landed = 0;
        // The room of a flight that is back serves the next.
        let mut spare = Load::default();
        let end = loop {
            if flights.is_empty() && elsewhere.flights > 0 {
                let Elsewhere { load, flights, .. } = std::mem::take(&mut elsewhere);
                self.outbox.again(self.shard, load);
                landed += flights;
            }
            let may_launch = flights.len() < FLIGHTS && elsewhere.flights == 0;
            // What waits although it could be sent is held back.
            let mut due = None;
            if may_launch {
                match self.outbox.take(self.shard, std::mem::take(&mut landed), &mut spare) {
                    Take::Load(load) => {
                        flights.push_back(launch::<D>(connected.connection.clone(), load).await);
                        continue;
                    }
                    Take::Held(until) => due = Some(until),
                    Take::Nothing => {}
                }
            }
            if flights.is_empty() && !D::PUBLISHES_IDLE && !self.outbox.is_wanted(self.shard) {
                break Ok(());
            }
            let expiry = flights.front().map(|flight| flight.expires);
            tokio::select! {
                biased;
                answer = front(&mut flights), if !flights.is_empty() => {
                    let Some(mut flight) = flights.pop_front() else { continue };
                    match self.land(&mut flight, answer, &mut elsewhere) {
                        Ok(ended) => {
                            landed += ended;
                            spare = flight.load.emptied();
                        }
                        Err(why) => {
                            landed += 1;
                            break Err(why);
                        }
                    }
                }
                () = filled.notified(), if may_launch => self.let_others_join().await,
                () = lost.notified(), if flights.is_empty() => break Err("Redis closed the connection".to_owned()),
                () = at(expiry), if expiry.is_some() => break Err("no answer within the deadline".to_owned()),
                () = at(due), if due.is_some() => self.outbox.expire(self.shard, Instant::now()),
                _ = heartbeat.tick() => {
                    if !self.link.is_current(&connected).await {
                        break Err("the Sentinels name another server".to_owned());
                    }
                    probes += 1;
                    self.outbox.probe(&self.outbox.probe_name(self.shard), &probes.to_be_bytes());
                }
            }
        };
        let why = end.as_ref().err().map_or("", String::as_str);
        for mut flight in flights {
            // What was answered before the connection failed was published.
            landed += if let Ok(answer) = timeout(Duration::ZERO, &mut flight.answer).await {
                self.land(&mut flight, answer, &mut elsewhere).unwrap_or(1)
            } else {
                fail(flight.load.into_parcels(), why);
                1
            };
        }
        self.outbox.again(self.shard, elsewhere.load);
        self.outbox.landed(self.shard, landed + elsewhere.flights);
        end
    }

    /// Others that are ready to publish do so first, and share the write.
    async fn let_others_join(&self) {
        let since = Instant::now();
        let mut waiting = 1;
        for _ in 0..TURNS {
            yield_now().await;
            let now = self.outbox.waiting(self.shard);
            if now <= waiting || since.elapsed() > PATIENCE {
                return;
            }
            waiting = now;
        }
    }

    /// Tells those who wait; returns how many flights have come to an end by that, and fails if
    /// the connection did.
    fn land(
        &self,
        flight: &mut Flight,
        answer: RedisResult<Vec<Value>>,
        elsewhere: &mut Elsewhere,
    ) -> Result<u64, String> {
        let answers = match answer {
            Ok(answers) => answers,
            Err(error) => {
                let why = self.link.explain(&error);
                fail(std::mem::take(&mut flight.load).into_parcels(), &why);
                return Err(why);
            }
        };
        let verdicts: Vec<_> = answers.into_iter().map(|answer| self.judge(answer)).collect();
        // Why an earlier message of the same publish was refused.
        let mut trouble = None;
        let mut by = flight.by.iter();
        flight.load.drain(|channel, payload, parcel| {
            let verdict = by.next().and_then(|&at| verdicts.get(at));
            match verdict {
                Some(Verdict::Taken) if elsewhere.channels.is_empty() => {}
                Some(Verdict::Taken) => elsewhere.is_overtaken(channel),
                Some(Verdict::Elsewhere) => {
                    elsewhere.channels.insert(channel.into());
                    elsewhere.load.push(channel, payload, parcel);
                    return;
                }
                Some(Verdict::Refused(why)) => drop(trouble.get_or_insert_with(|| why.clone())),
                // The client library hands over as many answers as there were commands.
                None => drop(trouble.get_or_insert_with(|| "it gave no answer".to_owned())),
            }
            if let Some(done) = parcel.done {
                let _ = done.send(match trouble.take() {
                    None => Ok(()),
                    Some(why) => Err(refused(&why)),
                });
            }
        });
        if elsewhere.flights == 0 && elsewhere.load.is_empty() {
            return Ok(1);
        }
        elsewhere.flights += 1;
        Ok(0)
    }

    fn judge(&self, answer: Value) -> Verdict {
        let Value::ServerError(error) = answer else { return Verdict::Taken };
        let error = RedisError::from(error);
        if self.dialect.is_elsewhere(&error) {
            Verdict::Elsewhere
        } else {
            Verdict::Refused(self.link.explain(&error))
        }
    }
}

impl Elsewhere {
    /// A later message of the channel was taken, so earlier ones cannot be any more.
    fn is_overtaken(&mut self, by: &[u8]) {
        if !self.channels.remove(by) {
            return;
        }
        let (mut stay, mut late) = (Load::default(), Vec::new());
        std::mem::take(&mut self.load).each(|channel, payload, parcel| {
            if channel == by {
                late.push(parcel);
            } else {
                stay.push(channel, payload, parcel);
            }
        });
        self.load = stay;
        fail(late, "its slot moved while it was sent, and a later message was taken first");
    }
}

/// Writes messages to the connection: when this returns, they have their place in the order.
async fn launch<D: Dialect>(mut connection: MultiplexedConnection, load: Load) -> Flight {
    let Gathered { commands, by } = gather(D::PUBLISH, &load);
    let count = commands.len();
    let expires = load.expires().unwrap_or_else(Instant::now);
    let mut answer: Flying =
        Box::pin(async move { connection.send_packed_commands(&commands, 0, count).await });
    // The first poll hands the write over; the answer is awaited in its turn.
    let at_once = poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx))).await;
    if let Poll::Ready(result) = at_once {
        answer = Box::pin(std::future::ready(result));
    }
    Flight { answer, load, by, expires }
}

type Flying = Pin<Box<dyn Future<Output = RedisResult<Vec<Value>>> + Send>>;

/// The answer of the flight that left first.
async fn front(flights: &mut VecDeque<Flight>) -> RedisResult<Vec<Value>> {
    match flights.front_mut() {
        Some(flight) => flight.answer.as_mut().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::super::load::{Parcel, Size};
    use super::*;

    #[test]
    fn a_redirected_message_that_was_overtaken_fails_and_others_go_on() {
        let mut elsewhere = Elsewhere::default();
        let mut outcomes = Vec::new();
        for (channel, payload) in [("a", "1"), ("b", "2"), ("a", "3")] {
            let (done, outcome) = oneshot::channel();
            let size = Size { channel: channel.len(), payload: payload.len() };
            let parcel = Parcel { size, series: 0, done: Some(done), expires: Instant::now() };
            elsewhere.load.push(channel.as_bytes(), payload.as_bytes(), parcel);
            elsewhere.channels.insert(channel.as_bytes().into());
            outcomes.push(outcome);
        }
        elsewhere.is_overtaken(b"c");
        assert_eq!(elsewhere.load.len(), 3);
        elsewhere.is_overtaken(b"a");
        let rest: Vec<_> = elsewhere.load.messages().collect();
        assert_eq!(rest, [(&b"b"[..], &b"2"[..])]);
        assert!(outcomes[0].try_recv().unwrap().is_err());
        assert!(outcomes[1].try_recv().is_err(), "nothing was said of it yet");
        assert!(outcomes[2].try_recv().unwrap().is_err());
    }
}
