//! The embedded history: the logs of one process, in its memory.
//!
//! A log stays while it has entries, whether anybody is in its room or not. An empty one stays for
//! [`IDLE`], because clients may still be at its end. When it goes, its end becomes the floor of its
//! shard: a log that is created later continues above the floor, so that no offset comes twice in
//! the epoch.
//!
//! Lock order: a shard, then a log. Messages are delivered under the lock of their log alone.

use std::hash::BuildHasher as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hashbrown::HashTable;
use parking_lot::Mutex;

use super::history::{History, Reading};
use super::log::Log;
use super::page::{Entry, Page, PageLimit};
use super::position::{Epoch, Keep, Position};
use crate::broker::outcome::Publish;
use crate::broker::publication::{Channel, Publication, Scope, Sink};
use crate::platform::{Instant, RandomState, random, unix_millis};

/// A power of two.
const SHARDS: usize = 32;
/// How long an empty log is kept that is not used.
const IDLE: Duration = Duration::from_hours(24);
/// Empty logs of one shard that are kept; with more, all of them go.
const MOST_IDLE: usize = if cfg!(test) { 256 } else { 4_096 };
/// The shortest time between two sweeps of a shard, unless it has grown.
const SWEEP: Duration = Duration::from_secs(30);

/// The embedded history, for one process.
///
/// Its epoch begins with the process: a client that was connected before a restart learns that it has a
/// gap. Memory is bounded by what [`Keep`] allows for each room that was written to within its age, and
/// by 16 MiB of JSON a room. A room that is silent for longer costs about 150 bytes for a day. Messages
/// that are too old are dropped when the room, or one that shares its lock, is used.
///
/// ```
/// use jstack_runtime::history::MemoryHistory;
///
/// let history = MemoryHistory::new();
/// # drop(history);
/// ```
pub struct MemoryHistory {
    epoch: Epoch,
    /// Clients choose room names: the hash is keyed, so that nobody can make them collide.
    key: RandomState,
    shards: Box<[Mutex<Shard>]>,
}

/// The logs of some channels.
struct Shard {
    logs: HashTable<Arc<Named>>,
    /// Logs that are created continue after this offset.
    floor: u64,
    swept: Instant,
    /// The number of logs with which it is swept again.
    full: usize,
}

struct Named {
    procedure: Box<str>,
    /// `None` for the room of everyone.
    room: Option<Box<str>>,
    log: Mutex<Log>,
}

impl Named {
    fn is(&self, channel: Channel<'_>) -> bool {
        *self.procedure == *channel.procedure && self.room.as_deref() == room(channel)
    }
}

/// The room of a channel. Messages for single connections have no history.
fn room(channel: Channel<'_>) -> Option<&str> {
    match channel.scope {
        Scope::Room(room) => Some(room),
        Scope::All | Scope::Node(_) => None,
    }
}

impl Default for MemoryHistory {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryHistory {
    /// An empty history with an epoch of its own.
    pub fn new() -> Self {
        let key = RandomState::new();
        let shard = |_| {
            let (logs, now) = (HashTable::new(), Instant::now());
            Mutex::new(Shard { logs, floor: 0, swept: now, full: 64 })
        };
        let epoch = Epoch::new(random());
        Self { epoch, key, shards: (0..SHARDS).map(shard).collect() }
    }

    fn hash(&self, procedure: &str, room: Option<&str>) -> u64 {
        self.key.hash_one((procedure, room))
    }

    /// The log of a channel, new if there is none.
    fn log(&self, channel: Channel<'_>, now: Instant) -> Arc<Named> {
        let hash = self.hash(channel.procedure, room(channel));
        let mut shard = self.shards[(hash >> 32) as usize % SHARDS].lock();
        let shard = &mut *shard;
        shard.sweep(now, |named| self.hash(&named.procedure, named.room.as_deref()));
        let Shard { logs, floor, .. } = shard;
        let rehash = |named: &Arc<Named>| self.hash(&named.procedure, named.room.as_deref());
        let create = || {
            Arc::new(Named {
                procedure: channel.procedure.into(),
                room: room(channel).map(Into::into),
                log: Mutex::new(Log::new(self.epoch, *floor, now)),
            })
        };
        logs.entry(hash, |named| named.is(channel), rehash).or_insert_with(create).get().clone()
    }

    /// Reads the log of a channel as it is now.
    fn read<T: Send + 'static>(
        &self,
        channel: Channel<'_>,
        read: impl FnOnce(&mut Log, Instant) -> T,
    ) -> Reading<T> {
        let now = Instant::now();
        let named = self.log(channel, now);
        let mut log = named.log.lock();
        log.forget_old(now);
        Box::pin(std::future::ready(Ok(read(&mut log, now))))
    }

    fn publish_to(&self, messages: &[Publication<'_>], keep: Keep, local: &dyn Sink) {
        let Some(first) = messages.first() else { return };
        let now = Instant::now();
        let named = self.log(first.channel, now);
        let mut log = named.log.lock();
        for message in messages {
            let mut message = *message;
            let owned = |room: &std::borrow::Cow<'_, str>| room.clone().into_owned().into();
            let entry = Entry {
                offset: 0,
                at_millis: unix_millis(),
                json: Bytes::copy_from_slice(message.json()),
                except: message.except.to_vec(),
                except_rooms: message.except_rooms.iter().map(owned).collect(),
            };
            message.position = Some(log.append(entry, keep, now));
            local.deliver(&message);
        }
    }
}

impl Shard {
    /// Drops what is too old, if it is time for it.
    fn sweep(&mut self, now: Instant, hash: impl Fn(&Arc<Named>) -> u64) {
        if self.logs.len() < self.full && now.duration_since(self.swept) < SWEEP {
            return;
        }
        self.swept = now;
        let mut idle = 0;
        for named in &self.logs {
            // A log that is used at this moment has a lock of its own, and is swept the next time.
            if let Some(mut log) = named.log.try_lock() {
                log.forget_old(now);
                idle += usize::from(log.idle(now).is_some());
            }
        }
        let longest = if idle > MOST_IDLE { Duration::ZERO } else { IDLE };
        let mut floor = self.floor;
        self.logs.retain(|named| {
            // Under the shard's lock nobody else can get it; threads that have it already may write.
            if Arc::strong_count(named) > 1 {
                return true;
            }
            let log = named.log.lock();
            let goes = log.idle(now).is_some_and(|idle| idle >= longest);
            if goes {
                floor = floor.max(log.top().offset());
            }
            !goes
        });
        self.floor = floor;
        self.full = (self.logs.len() * 2).max(64);
        self.logs.shrink_to(self.full, hash);
    }
}

impl History for MemoryHistory {
    fn publish(&self, messages: &[Publication<'_>], keep: Keep, local: &dyn Sink) -> Publish {
        for messages in messages.chunk_by(|one, next| one.channel == next.channel) {
            self.publish_to(messages, keep, local);
        }
        Publish::done(Ok(()))
    }

    fn top(&self, channel: Channel<'_>, _: Keep) -> Reading<Position> {
        self.read(channel, |log, now| {
            log.touch(now);
            log.top()
        })
    }

    fn after(&self, channel: Channel<'_>, after: Position, limit: PageLimit) -> Reading<Page> {
        self.read(channel, |log, _| log.after(after, limit))
    }

    fn before(&self, channel: Channel<'_>, before: Option<u64>, limit: PageLimit) -> Reading<Page> {
        self.read(channel, |log, _| log.before(before, limit))
    }

    fn clear(&self, channel: Channel<'_>) -> Reading {
        self.read(channel, |log, _| log.clear())
    }
}

impl std::fmt::Debug for MemoryHistory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryHistory").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Sink for Nobody {
        fn deliver(&self, _: &Publication<'_>) {}

        fn gap(&self, _: Channel<'_>, _: Option<u64>) {}
    }

    fn channel(room: &str) -> Channel<'_> {
        Channel { procedure: "post/chat", scope: Scope::Room(room) }
    }

    fn publish(history: &MemoryHistory, room: &str, age: Duration) {
        let mut scratch = Vec::new();
        let message = Publication::new(channel(room), b"[\"n\",1]", &mut scratch);
        drop(history.publish(&[message], Keep { count: 9, age }, &Nobody));
    }

    fn logs(history: &MemoryHistory) -> usize {
        history.shards.iter().map(|shard| shard.lock().logs.len()).sum()
    }

    #[test]
    fn rooms_that_come_and_go_leave_a_bounded_number_of_logs_and_no_offset_twice() {
        let history = MemoryHistory::new();
        let top = |room: &str| history.log(channel(room), Instant::now()).log.lock().top().offset();
        publish(&history, "first", Duration::ZERO);
        let before = top("first");
        for n in 0..SHARDS * MOST_IDLE * 4 {
            publish(&history, &n.to_string(), Duration::ZERO);
        }
        // Sweeps run when a shard has doubled.
        assert!(logs(&history) <= SHARDS * MOST_IDLE * 2 + SHARDS * 64, "{}", logs(&history));
        publish(&history, "first", Duration::ZERO);
        assert!(top("first") > before);
    }

    #[test]
    fn rooms_with_entries_stay() {
        let history = MemoryHistory::new();
        for n in 0..10_000 {
            publish(&history, &n.to_string(), Duration::from_mins(1));
        }
        assert_eq!(logs(&history), 10_000);
    }
}
