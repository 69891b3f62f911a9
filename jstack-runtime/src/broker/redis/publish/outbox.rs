//! Messages wait here until their connection takes them, and their outcome is reported from here.
//!
//! Order: messages of one channel are numbered and queued under one lock, so they are sent in the
//! order of their numbers. Messages that a cluster redirects go back in front of later ones.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::pending::{PendingMessage, PendingMessages, Size, fail};
use super::queue::{ShardQueue, Take};
use super::queues::{Accepted, Queues};
use crate::broker::format::{envelope, names};
use crate::broker::redis::failure::publish_failed;
use crate::broker::redis::history::ServerLink;
use crate::broker::redis::route::Route;
use crate::broker::{Acknowledged, PublishOutcome};
use crate::broker::{Publication, Publish};
use crate::error::{Error, Result};
use crate::history::Keep;

/// Messages that wait for their connection, in their order.
#[derive(Debug)]
pub(crate) struct Outbox {
    queues: Mutex<Queues>,
    /// How long an emit may take.
    deadline: Duration,
    /// What the channels of this process' probes start with.
    probe_prefix: String,
}

thread_local! {
    /// Where messages are encoded, so that a publish allocates little.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A scratch buffer that grew beyond this for one large message is given back to the allocator.
const KEEP: usize = 64 * 1024;

impl Outbox {
    pub(crate) fn new(route: Route, deadline: Duration, probe_prefix: String) -> Arc<Self> {
        let first = ShardQueue {
            probe: probe_prefix.clone(),
            trouble: Some("not connected yet".to_owned()),
            ..ShardQueue::default()
        };
        Arc::new(Self { queues: Mutex::new(Queues::new(route, first)), deadline, probe_prefix })
    }

    /// Accepts messages; those of one channel stay in order. With `keep` they are of rooms with
    /// history.
    pub(crate) fn publish(
        &self,
        messages: &[Publication<'_>],
        keep: Option<Keep>,
        prefix: &str,
        origin: u64,
    ) -> Publish {
        let mut scratch = SCRATCH.take();
        scratch.clear();
        let published = self.publish_with(&mut scratch, messages, keep, prefix, origin);
        if scratch.capacity() <= KEEP {
            SCRATCH.set(scratch);
        }
        published.unwrap_or_else(|error| Publish::done(Err(error)))
    }

    fn publish_with(
        &self,
        scratch: &mut Vec<u8>,
        messages: &[Publication<'_>],
        keep: Option<Keep>,
        prefix: &str,
        origin: u64,
    ) -> Result<Publish> {
        let (mut one, mut many) = ([Size::default()], Vec::new());
        let sizes: &mut [Size] = match messages {
            [] => return Ok(Publish::done(Ok(()))),
            [_] => &mut one,
            _ => {
                many.resize(messages.len(), Size::default());
                &mut many
            }
        };
        for (message, size) in messages.iter().zip(&mut *sizes) {
            let start = scratch.len();
            names::write_channel_name(scratch, prefix, message.channel);
            size.channel = scratch.len() - start;
            envelope::encode(scratch, message, origin)?;
            size.payload = scratch.len() - start - size.channel;
        }
        let expires = Instant::now() + self.deadline;
        let accepted = self.queues.lock().accept(scratch, sizes, keep, expires)?;
        let Accepted { outcome, others, wake } = accepted;
        if let Some(wake) = wake {
            wake.notify_one();
        }
        if others.is_empty() {
            return Ok(Publish(PublishOutcome::Acknowledged(Acknowledged {
                outcome,
                gone: shut_down,
            })));
        }
        Ok(Publish::wait(async move {
            let mut result = finished(outcome).await;
            for other in others {
                result = result.and(finished(other).await);
            }
            result
        }))
    }

    /// Queues a message without a number, if anything can be sent at all.
    pub(crate) fn probe(&self, channel: &str, payload: &[u8]) -> Option<oneshot::Receiver<Result>> {
        let (done, outcome) = oneshot::channel();
        let mut queues = self.queues.lock();
        let queue = queues.queue_of(channel.as_bytes())?;
        if queue.down.is_some() {
            return None;
        }
        let expires = Instant::now() + self.deadline;
        let size = Size { channel: channel.len(), payload: payload.len() };
        let message =
            PendingMessage { size, keep: None, channel_key: 0, done: Some(done), expires };
        queue.add(channel.as_bytes(), payload, message);
        queue.filled.notify_one();
        Some(outcome)
    }

    /// What the channels of this process' probes start with.
    pub(crate) fn probe_prefix(&self) -> String {
        self.probe_prefix.clone()
    }

    /// The probe channel that the server of the shard carries.
    pub(crate) fn probe_name(&self, shard: usize) -> String {
        self.queues.lock().shard(shard).map(|queue| queue.probe.clone()).unwrap_or_default()
    }

    /// Notified when something waits for the server of the shard, or may be sent now.
    pub(crate) fn filled(&self, shard: usize) -> Arc<Notify> {
        self.queues.lock().shard(shard).map(|queue| queue.filled.clone()).unwrap_or_default()
    }

    /// Everything that may be sent to the server of the shard now, or when to look again at what is
    /// held back. `completed` writes have completed since the last call. Later messages are put
    /// into `spare`'s buffers.
    pub(crate) fn take(&self, shard: usize, completed: u64, spare: &mut PendingMessages) -> Take {
        self.queues.lock().take(shard, completed, spare)
    }

    /// So many more writes to the server of the shard have completed, one way or another.
    pub(crate) fn completed(&self, shard: usize, writes: u64) {
        self.queues.lock().complete(shard, writes);
    }

    /// Puts redirected messages back, before what came later.
    pub(crate) fn requeue(&self, shard: usize, messages: PendingMessages) {
        if !messages.is_empty() {
            self.queues.lock().requeue(shard, messages);
        }
    }

    /// When to look again at what waits, unless notified before: it may be sent then, or has
    /// expired.
    pub(crate) fn due(&self, shard: usize) -> Option<Instant> {
        self.queues.lock().shard(shard)?.due()
    }

    /// Fails what has waited too long for the server of the shard.
    pub(crate) fn expire(&self, shard: usize, now: Instant) {
        let expired = self.queues.lock().shard_mut(shard).map(|queue| queue.expire(now));
        fail(expired.unwrap_or_default(), "no connection within the deadline");
    }

    /// Asks for a connection, if only to send probes.
    pub(crate) fn request_connection(&self, shard: usize) {
        if let Some(queue) = self.queues.lock().shard_mut(shard)
            && !queue.wanted
        {
            queue.wanted = true;
            queue.filled.notify_one();
        }
    }

    pub(crate) fn is_wanted(&self, shard: usize) -> bool {
        self.queues.lock().shard(shard).is_some_and(|queue| queue.wanted)
    }

    /// How many messages wait for the server of the shard.
    pub(crate) fn waiting(&self, shard: usize) -> usize {
        self.queues.lock().shard(shard).map_or(0, |queue| queue.waiting.len())
    }

    /// The connection is up.
    pub(crate) fn up(&self, shard: usize, server: Arc<ServerLink>) {
        if let Some(queue) = self.queues.lock().shard_mut(shard) {
            queue.set_up(server);
        }
    }

    /// The connection to the server that carries a channel, once there is one; it is asked for.
    /// Fails with the reason if Redis is away.
    pub(crate) fn server(&self, channel: &[u8]) -> Result<Option<Arc<ServerLink>>, String> {
        let mut queues = self.queues.lock();
        let Some(queue) = queues.queue_of(channel) else { return Ok(None) };
        if let Some(why) = &queue.down {
            return Err(why.clone());
        }
        if !queue.wanted {
            queue.wanted = true;
            queue.filled.notify_one();
        }
        Ok(queue.server.clone())
    }

    /// The server took a message, or refused a probe for this reason.
    pub(crate) fn proved(&self, shard: usize, refusal: Option<&str>) {
        if let Some(queue) = self.queues.lock().shard_mut(shard) {
            queue.set_proof(refusal);
        }
    }

    /// The connection is not needed any more, so nothing can be wrong with it.
    pub(crate) fn idle(&self, shard: usize) {
        if let Some(queue) = self.queues.lock().shard_mut(shard) {
            queue.set_unconnected(None);
        }
    }

    /// The connection was lost. Messages keep waiting, because the connection may be back soon.
    pub(crate) fn lost(&self, shard: usize, why: &str) {
        if let Some(queue) = self.queues.lock().shard_mut(shard) {
            queue.set_unconnected(Some(why));
        }
    }

    /// Redis is away: what waits fails, and later messages fail at once until it is up again.
    pub(crate) fn down(&self, shard: usize, why: &str) {
        let waiting = self.queues.lock().shard_mut(shard).map(|queue| queue.set_down(why));
        waiting.unwrap_or_default().fail(why);
    }

    /// Whether the server of the shard takes probes, which then should come back.
    pub(crate) fn takes_probes(&self, shard: usize) -> bool {
        self.queues.lock().shard(shard).is_some_and(|queue| queue.takes_probes)
    }

    /// The trouble of a publishing connection, if one has any.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.queues.lock().iter().find_map(|queue| queue.trouble.clone())
    }
}

#[cfg(feature = "redis-cluster")]
impl Outbox {
    /// Makes room for so many shards.
    pub(crate) fn grow(&self, shards: usize) {
        self.queues.lock().grow(shards);
    }

    /// Follows a new route. Waiting messages go to the server that carries their slot now. They are
    /// held until earlier writes to the former one have completed.
    pub(crate) fn reroute(&self, route: &Route) {
        let failed = self.queues.lock().reroute(route, |shard| self.probe_in(route, shard));
        for (waiting, why) in failed {
            waiting.fail(&why);
        }
    }

    /// The first probe channel that the shard carries. A shard may have a single slot.
    fn probe_in(&self, route: &Route, shard: usize) -> String {
        const TRIES: u32 = 1 << 20;

        let names = (0..TRIES).map(|n| format!("{}:{n}", self.probe_prefix));
        let mut of_shard = names.filter(|name| route.shard(route.slot(name.as_bytes())) == shard);
        of_shard.next().unwrap_or_else(|| self.probe_prefix())
    }
}

async fn finished(outcome: oneshot::Receiver<Result>) -> Result {
    outcome.await.unwrap_or_else(|_| Err(shut_down()))
}

fn shut_down() -> Error {
    publish_failed("the broker was shut down")
}

#[cfg(all(test, feature = "redis-cluster"))]
mod tests {
    use super::*;
    use crate::broker::redis::route::SLOTS;
    use crate::broker::{Channel, Scope};

    const ROOM: Channel<'static> = Channel { procedure: "post/chat", scope: Scope::Room("r") };
    const SECOND: Duration = Duration::from_secs(1);

    /// One shard has all slots.
    fn all(shard: u16) -> Route {
        Route::Slots(Arc::from(vec![shard; SLOTS]))
    }

    fn publish(outbox: &Outbox, text: &str) {
        let mut scratch = Vec::new();
        let message = Publication::new(ROOM, text.as_bytes(), &mut scratch);
        drop(outbox.publish(&[message], None, "jstack", 1));
    }

    /// The messages that may be sent to the shard's server.
    fn take(outbox: &Outbox, shard: usize) -> PendingMessages {
        match outbox.take(shard, 0, &mut PendingMessages::default()) {
            Take::Messages(messages) => messages,
            Take::Held(_) | Take::Nothing => PendingMessages::default(),
        }
    }

    fn texts(messages: &PendingMessages) -> Vec<String> {
        messages.messages().map(|(_, it)| String::from_utf8_lossy(&it[18..]).into_owned()).collect()
    }

    #[test]
    fn what_waits_follows_its_slot_behind_what_is_still_on_its_way() {
        let outbox = Outbox::new(Route::nowhere(), SECOND, "jstack::probe:1".to_owned());
        publish(&outbox, "1");
        outbox.grow(3);
        outbox.reroute(&all(1));
        publish(&outbox, "2");
        let in_flight = take(&outbox, 1);
        assert_eq!(texts(&in_flight), ["1", "2"]);
        publish(&outbox, "3");

        outbox.reroute(&all(2));
        publish(&outbox, "4");
        assert!(
            take(&outbox, 1).is_empty() && take(&outbox, 2).is_empty(),
            "1 and 2 may come back"
        );
        assert!(!outbox.is_wanted(1) && outbox.is_wanted(2));
        outbox.requeue(1, in_flight);
        assert!(take(&outbox, 2).is_empty(), "the write has not completed");
        outbox.completed(1, 1);
        assert_eq!(texts(&take(&outbox, 2)), ["1", "2", "3", "4"]);
    }

    #[test]
    fn a_server_that_does_not_take_what_is_its_own_is_left_alone_until_the_route_changes() {
        let outbox = Outbox::new(Route::nowhere(), SECOND, "jstack::probe:1".to_owned());
        outbox.grow(3);
        outbox.reroute(&all(1));
        publish(&outbox, "1");
        let in_flight = take(&outbox, 1);
        outbox.requeue(1, in_flight);
        outbox.completed(1, 1);
        assert!(take(&outbox, 1).is_empty());
        assert!(outbox.due(1).is_some_and(|due| due < Instant::now() + SECOND / 2));
        outbox.reroute(&all(2));
        assert_eq!(texts(&take(&outbox, 2)), ["1"]);
    }

    #[test]
    fn each_shard_has_a_probe_channel() {
        let outbox = Outbox::new(Route::nowhere(), SECOND, "jstack::probe:1".to_owned());
        outbox.grow(4);
        let mut slots = vec![1; SLOTS];
        slots[SLOTS / 2..].fill(2);
        // A server may carry one slot alone.
        slots[0] = 3;
        let route = Route::Slots(slots.into());
        outbox.reroute(&route);
        for shard in 1..4 {
            let name = outbox.probe_name(shard);
            assert!(name.starts_with("jstack::probe:1:"), "{name}");
            assert_eq!(route.shard(route.slot(name.as_bytes())), shard);
        }
    }
}
