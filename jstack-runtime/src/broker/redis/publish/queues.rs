//! The messages that wait for each server, and which server that is: the state behind the outbox's
//! lock.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Notify, oneshot};

use super::pending::{PendingMessage, PendingMessages, Size};
use super::queue::{ShardQueue, Take};
use crate::broker::format::envelope;
use crate::broker::format::sequence::Sequencer;
use crate::broker::redis::failure::publish_failed;
use crate::broker::redis::route::Route;
use crate::error::Result;
use crate::history::Keep;

/// Bytes that may wait for one server; more are refused.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The messages that wait for each server.
#[derive(Debug)]
pub(crate) struct Queues {
    route: Route,
    /// By shard.
    shards: Vec<ShardQueue>,
    sequencer: Sequencer,
}

/// The result of accepting messages.
pub(crate) struct Accepted {
    /// The outcome of the last message, and of those before it on the same connection.
    pub(crate) outcome: oneshot::Receiver<Result>,
    /// Outcomes of earlier messages, which may go to other servers.
    pub(crate) others: Vec<oneshot::Receiver<Result>>,
    /// To be notified once the lock is released: who wakes up takes it.
    pub(crate) wake: Option<Arc<Notify>>,
}

impl Queues {
    pub(crate) fn new(route: Route, first: ShardQueue) -> Self {
        Self { route, shards: vec![first], sequencer: Sequencer::default() }
    }

    pub(crate) fn shard(&self, shard: usize) -> Option<&ShardQueue> {
        self.shards.get(shard)
    }

    pub(crate) fn shard_mut(&mut self, shard: usize) -> Option<&mut ShardQueue> {
        self.shards.get_mut(shard)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &ShardQueue> {
        self.shards.iter()
    }

    /// The queue of the server that carries the channel.
    pub(crate) fn queue_of(&mut self, channel: &[u8]) -> Option<&mut ShardQueue> {
        let shard = self.route.shard(self.route.slot(channel));
        self.shards.get_mut(shard)
    }

    /// Numbers and accepts the encoded messages of one publish: all of them or none.
    pub(crate) fn accept(
        &mut self,
        bytes: &mut [u8],
        sizes: &[Size],
        keep: Option<Keep>,
        expires: Instant,
    ) -> Result<Accepted> {
        self.check(bytes, sizes)?;
        let (done, outcome) = oneshot::channel();
        let (mut done, mut others) = (Some(done), Vec::new());
        let mut wake: Option<Arc<Notify>> = None;
        let mut rest = bytes;
        for (n, size) in sizes.iter().enumerate() {
            let (channel, after) = rest.split_at_mut(size.channel);
            let (payload, after) = after.split_at_mut(size.payload);
            rest = after;
            let counted = self.sequencer.next(channel);
            envelope::stamp(payload, counted.number, counted.is_first());
            let done = if n + 1 == sizes.len() {
                done.take()
            } else if self.route.is_one() {
                None
            } else {
                // The messages of one publish may go to several servers.
                let (done, outcome) = oneshot::channel();
                others.push(outcome);
                Some(done)
            };
            let Some(queue) = self.queue_of(channel) else { continue };
            if queue.waiting.is_empty()
                && let Some(other) = wake.replace(queue.filled.clone())
            {
                other.notify_one();
            }
            let channel_key = counted.channel_key;
            queue.add(
                channel,
                payload,
                PendingMessage { size: *size, keep, channel_key, done, expires },
            );
        }
        Ok(Accepted { outcome, others, wake })
    }

    /// Fails if one of the messages cannot be accepted.
    fn check(&mut self, bytes: &[u8], sizes: &[Size]) -> Result {
        let mut at = 0;
        for size in sizes {
            let channel = bytes.get(at..at + size.channel).unwrap_or_default();
            at += size.channel + size.payload;
            let Some(queue) = self.queue_of(channel) else { continue };
            if let Some(why) = &queue.down {
                return Err(publish_failed(why));
            }
            if queue.waiting.bytes() > MAX_BYTES {
                return Err(publish_failed("too many messages wait for it"));
            }
        }
        Ok(())
    }

    /// Takes the messages that may be sent to the shard's server. `completed` of its writes have
    /// completed since the last call.
    pub(crate) fn take(
        &mut self,
        shard: usize,
        completed: u64,
        spare: &mut PendingMessages,
    ) -> Take {
        if completed > 0 {
            self.complete(shard, completed);
        }
        self.shards.get_mut(shard).map_or(Take::Nothing, |queue| queue.take(spare))
    }

    /// Counts writes to the shard's server that have completed, with or without success.
    pub(crate) fn complete(&mut self, shard: usize, writes: u64) {
        let Some(queue) = self.shards.get_mut(shard) else { return };
        queue.completed += writes;
        let completed = queue.completed;
        for queue in &mut self.shards {
            let is_over = |until: &(usize, u64)| until.0 == shard && until.1 <= completed;
            if queue.blocked_until.iter().any(is_over) {
                queue.blocked_until.retain(|until| !is_over(until));
                queue.filled.notify_one();
            }
        }
    }

    /// Puts messages back that the server of the shard redirected, each to where it goes now.
    pub(crate) fn requeue(&mut self, shard: usize, messages: PendingMessages) {
        for (to, messages) in self.by_shard(messages) {
            if let Some(queue) = self.shards.get_mut(to) {
                queue.requeue(messages, to == shard);
            }
        }
    }

    /// Divides messages by the shard that carries their channel now.
    fn by_shard(&self, messages: PendingMessages) -> Vec<(usize, PendingMessages)> {
        let mut divided: Vec<(usize, PendingMessages)> = Vec::new();
        messages.each(|channel, payload, message| {
            let to = self.route.shard(self.route.slot(channel));
            let at = divided.iter().position(|part| part.0 == to).unwrap_or_else(|| {
                divided.push((to, PendingMessages::default()));
                divided.len() - 1
            });
            divided[at].1.push(channel, payload, message);
        });
        divided
    }
}

#[cfg(feature = "redis-cluster")]
impl Queues {
    /// Makes room for so many shards.
    pub(crate) fn grow(&mut self, shards: usize) {
        while self.shards.len() < shards {
            self.shards.push(ShardQueue::default());
        }
    }

    /// Follows a new route. Waiting messages go to the server that carries their slot now. They are
    /// held until earlier writes to the former one have completed. Returns what failed because of
    /// that, and why.
    pub(crate) fn reroute(
        &mut self,
        route: &Route,
        probes: impl Fn(usize) -> String,
    ) -> Vec<(PendingMessages, String)> {
        let was = std::mem::replace(&mut self.route, route.clone());
        let moves = was.moves_to(route);
        for &(from, to) in &moves {
            let mut blocked_until = self.shards[from].blocked_until.clone();
            if self.shards[from].is_in_flight() {
                blocked_until.push((from, self.shards[from].sent));
            }
            self.shards[to].blocked_until.extend(blocked_until);
        }
        let leaving: std::collections::HashSet<_> = moves.iter().map(|(from, _)| *from).collect();
        for from in leaving {
            let waiting = std::mem::take(&mut self.shards[from].waiting);
            for (to, messages) in self.by_shard(waiting) {
                let queue = &mut self.shards[to];
                let waiting = std::mem::take(&mut queue.waiting);
                queue.waiting = PendingMessages::merge(waiting, messages);
                queue.wanted = true;
            }
        }
        let carrying = route.shards();
        let mut failed = Vec::new();
        for (shard, queue) in self.shards.iter_mut().enumerate() {
            if !carrying.contains(&shard) {
                queue.wanted = false;
                (queue.down, queue.trouble) = (None, None);
            } else if queue.probe.is_empty()
                || route.shard(route.slot(queue.probe.as_bytes())) != shard
            {
                queue.probe = probes(shard);
            }
            queue.paused_until = None;
            if let Some(why) = queue.down.clone() {
                failed.push((std::mem::take(&mut queue.waiting), why));
            }
            queue.filled.notify_one();
        }
        failed
    }
}
