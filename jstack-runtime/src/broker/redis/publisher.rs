//! The connection that publishes: what waits goes out in one write, and several writes may be on
//! their way.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use ::redis::aio::MultiplexedConnection;
use ::redis::{Cmd, Pipeline, PushInfo, PushKind, RedisResult, Value};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep, sleep_until, timeout};

use super::link::{Backoff, Connected, Link};
use super::outbox::{Outbox, Parcel, fail, refused};

/// Writes that may be on their way at once. One would leave Redis idle while we read its answers.
const FLIGHTS: usize = 4;
/// A connection that lasted so long was a good one.
const GOOD: Duration = Duration::from_secs(1);

/// What the publishing connection needs.
pub(super) struct Publisher {
    pub(super) link: Link,
    pub(super) outbox: Arc<Outbox>,
    pub(super) heartbeat: Duration,
    /// The channel of our own signs of life.
    pub(super) probe: String,
}

/// One write and those who wait for its answer.
struct Flight {
    answer: Pin<Box<dyn Future<Output = RedisResult<Vec<Value>>> + Send>>,
    parcels: Vec<Parcel>,
    expires: Instant,
}

impl Publisher {
    /// Publishes for ever.
    pub(super) async fn run(self) {
        let mut backoff = Backoff::default();
        loop {
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
            match self.while_expiring(self.link.connect(push)).await {
                Ok(connected) => {
                    self.outbox.up();
                    let since = Instant::now();
                    let why = self.serve(connected, &lost).await;
                    tracing::warn!(redis = %self.link.address.shown, why, "lost the publishing connection");
                    self.outbox.lost(&why);
                    if since.elapsed() >= GOOD {
                        backoff.reset();
                    } else {
                        self.while_expiring(sleep(backoff.next())).await;
                    }
                }
                Err(why) => {
                    self.outbox.down(&why);
                    sleep(backoff.next()).await;
                }
            }
        }
    }

    /// Waits for `future`, and meanwhile fails what waits too long.
    async fn while_expiring<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        loop {
            let expiry = self.outbox.expiry();
            tokio::select! {
                output = &mut future => return output,
                () = at(expiry), if expiry.is_some() => self.outbox.expire(Instant::now()),
                () = self.outbox.filled.notified(), if expiry.is_none() => {}
            }
        }
    }

    /// Publishes until the connection fails, and says why it did.
    async fn serve(&self, connected: Connected, lost: &Notify) -> String {
        let mut flights: VecDeque<Flight> = VecDeque::with_capacity(FLIGHTS);
        let mut heartbeat = interval(self.heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut probes = 0_u64;
        let why = loop {
            if flights.len() < FLIGHTS {
                let parcels = self.outbox.take();
                if !parcels.is_empty() {
                    flights.push_back(launch(connected.connection.clone(), parcels).await);
                    continue;
                }
            }
            let expiry = flights.front().map(|flight| flight.expires);
            tokio::select! {
                biased;
                answer = front(&mut flights), if !flights.is_empty() => {
                    let Some(flight) = flights.pop_front() else { continue };
                    if let Err(why) = self.land(flight, answer) {
                        break why;
                    }
                }
                () = self.outbox.filled.notified(), if flights.len() < FLIGHTS => {
                    // Others that are ready to publish do so first, and share the write.
                    tokio::task::yield_now().await;
                }
                () = lost.notified(), if flights.is_empty() => break "Redis closed the connection".to_owned(),
                () = at(expiry), if expiry.is_some() => break "no answer within the deadline".to_owned(),
                _ = heartbeat.tick() => {
                    if !self.link.is_current(&connected).await {
                        break "the Sentinels name another server".to_owned();
                    }
                    probes += 1;
                    self.outbox.probe(&self.probe, probes.to_be_bytes().to_vec());
                }
            }
        };
        for mut flight in flights {
            // What was answered before the connection failed was published.
            match timeout(Duration::ZERO, &mut flight.answer).await {
                Ok(answer) => drop(self.land(flight, answer)),
                Err(_) => fail(flight.parcels, &why),
            }
        }
        why
    }

    /// Tells those who wait; fails if the connection did.
    fn land(&self, flight: Flight, answer: RedisResult<Vec<Value>>) -> Result<(), String> {
        let answers = match answer {
            Ok(answers) => answers,
            Err(error) => {
                let why = self.link.explain(&error);
                fail(flight.parcels, &why);
                return Err(why);
            }
        };
        let mut trouble = None;
        let mut answers = answers.into_iter();
        for parcel in flight.parcels {
            // No answer at all can only be if Redis and we count differently.
            if let Err(error) = answers.next().unwrap_or(Value::Nil).extract_error() {
                trouble.get_or_insert_with(|| self.link.explain(&error));
            }
            if let Some(done) = parcel.done {
                let _ = done.send(match trouble.take() {
                    None => Ok(()),
                    Some(why) => Err(refused(&why)),
                });
            }
        }
        Ok(())
    }
}

/// Writes parcels to the connection: when this returns, they have their place in the order.
async fn launch(mut connection: MultiplexedConnection, parcels: Vec<Parcel>) -> Flight {
    let mut pipeline = Pipeline::with_capacity(parcels.len());
    for parcel in &parcels {
        let mut publish = Cmd::with_capacity(3, 7 + parcel.channel.len() + parcel.payload.len());
        publish.arg("PUBLISH").arg(&parcel.channel).arg(&parcel.payload);
        pipeline.add_command(publish);
    }
    let expires = parcels.first().map_or_else(Instant::now, |parcel| parcel.expires);
    let count = parcels.len();
    let mut answer: Flying =
        Box::pin(async move { connection.send_packed_commands(&pipeline, 0, count).await });
    // The first poll hands the write over; the answer is awaited in its turn.
    let at_once = poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx))).await;
    if let Poll::Ready(result) = at_once {
        answer = Box::pin(std::future::ready(result));
    }
    Flight { answer, parcels, expires }
}

type Flying = Pin<Box<dyn Future<Output = RedisResult<Vec<Value>>> + Send>>;

/// The answer of the flight that left first.
async fn front(flights: &mut VecDeque<Flight>) -> RedisResult<Vec<Value>> {
    match flights.front_mut() {
        Some(flight) => flight.answer.as_mut().await,
        None => std::future::pending().await,
    }
}

/// The moment `when`, if there is one.
async fn at(when: Option<Instant>) {
    match when {
        Some(when) => sleep_until(when.into()).await,
        None => std::future::pending().await,
    }
}
