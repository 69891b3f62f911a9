//! From the connection to the sinks: a few bounded queues, each emptied by a task of its own.
//!
//! All messages of a channel go through one queue, which keeps their order. A full queue drops
//! messages, counts them by channel at the place where they are missing, and says so.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::batch;
use super::entry::Entry;
use super::envelope::Envelope;
use super::numbers::Seen;
use super::table::Table;
use crate::broker::Message;

/// What one queue may hold.
const MOST_BYTES: usize = 32 * 1024 * 1024;
const MOST_ITEMS: usize = 65_536;
/// Messages that are delivered before other tasks get a turn.
const TURN: usize = 128;

/// The queues.
pub(super) struct Inbox {
    lanes: Vec<Arc<Lane>>,
    hasher: RandomState,
}

#[derive(Default)]
struct Lane {
    queue: Mutex<Queue>,
    filled: Notify,
}

#[derive(Default)]
struct Queue {
    items: VecDeque<Item>,
    bytes: usize,
}

enum Item {
    /// It came on the connection of this number.
    Message { channel: Vec<u8>, payload: Vec<u8>, connection: u64 },
    /// Redis has begun to send the channel, on the connection of this number.
    Begun { channel: Vec<u8>, connection: u64 },
    /// Redis sends it no more.
    Ended { channel: Vec<u8>, connection: u64 },
    /// Here messages were dropped, so many for each channel.
    Dropped(HashMap<Vec<u8>, u64>),
}

impl Inbox {
    /// Queues, and the tasks that empty them into the sinks of `table`.
    pub(super) fn start(table: &Arc<Table>) -> (Arc<Self>, Vec<JoinHandle<()>>) {
        let count = std::thread::available_parallelism().map_or(1, usize::from).min(8);
        let lanes: Vec<Arc<Lane>> = (0..count).map(|_| Arc::default()).collect();
        let tasks =
            lanes.iter().map(|lane| tokio::spawn(empty(lane.clone(), table.clone()))).collect();
        (Arc::new(Self { lanes, hasher: RandomState::new() }), tasks)
    }

    /// Hands a message over. It never waits.
    pub(super) fn message(&self, channel: Vec<u8>, payload: Vec<u8>, connection: u64) {
        self.lane(&channel).message(channel, payload, connection);
    }

    /// Hands over that Redis began or ended to send a channel.
    pub(super) fn change(&self, channel: Vec<u8>, begun: bool, connection: u64) {
        let lane = self.lane(&channel);
        lane.queue.lock().items.push_back(if begun {
            Item::Begun { channel, connection }
        } else {
            Item::Ended { channel, connection }
        });
        lane.filled.notify_one();
    }

    fn lane(&self, channel: &[u8]) -> &Lane {
        let hash = self.hasher.hash_one(channel);
        &self.lanes[usize::try_from(hash >> 32).unwrap_or_default() % self.lanes.len()]
    }
}

impl Lane {
    fn message(&self, channel: Vec<u8>, payload: Vec<u8>, connection: u64) {
        let mut queue = self.queue.lock();
        let size = channel.len() + payload.len();
        if queue.items.len() >= MOST_ITEMS || queue.bytes + size > MOST_BYTES {
            let messages = batch::count(&payload);
            metrics::counter!("jstack_broker_dropped_total").increment(messages);
            if !matches!(queue.items.back(), Some(Item::Dropped(_))) {
                queue.items.push_back(Item::Dropped(HashMap::new()));
            }
            if let Some(Item::Dropped(channels)) = queue.items.back_mut() {
                *channels.entry(channel).or_default() += messages;
            }
            return;
        }
        queue.bytes += size;
        queue.items.push_back(Item::Message { channel, payload, connection });
        let first = queue.items.len() == 1;
        drop(queue);
        if first {
            self.filled.notify_one();
        }
    }
}

/// Empties a queue for ever.
async fn empty(lane: Arc<Lane>, table: Arc<Table>) {
    let mut delivery = Delivery { table, scratch: Vec::new(), done: 0 };
    let mut items = VecDeque::new();
    loop {
        {
            let mut queue = lane.queue.lock();
            std::mem::swap(&mut queue.items, &mut items);
            queue.bytes = 0;
        }
        if items.is_empty() {
            lane.filled.notified().await;
            continue;
        }
        for item in items.drain(..) {
            delivery.handle(item).await;
        }
    }
}

/// What hands over to the sinks.
struct Delivery {
    table: Arc<Table>,
    scratch: Vec<u8>,
    /// Counts what was handed over.
    done: usize,
}

impl Delivery {
    async fn handle(&mut self, item: Item) {
        match item {
            Item::Message { channel, payload, connection } => {
                return self.deliver(&channel, &payload, connection).await;
            }
            Item::Begun { channel, connection } => {
                surely(|| self.table.begun(&channel, connection));
            }
            Item::Ended { channel, connection } => {
                surely(|| self.table.ended(&channel, connection));
            }
            Item::Dropped(channels) => surely(|| self.tell(channels)),
        }
        self.did_one().await;
    }

    async fn did_one(&mut self) {
        self.done = self.done.wrapping_add(1);
        if self.done.is_multiple_of(TURN) {
            tokio::task::yield_now().await;
        }
    }

    fn tell(&self, dropped: HashMap<Vec<u8>, u64>) {
        tracing::warn!(
            channels = dropped.len(),
            "messages from Redis come faster than they are delivered"
        );
        for (channel, count) in dropped {
            let Some(entry) = self.table.find(&channel) else { continue };
            let sinks = {
                let mut state = entry.state.lock();
                state.origins.told();
                state.sinks.clone()
            };
            entry.tell_gap(&sinks, Some(count));
        }
    }

    async fn deliver(&mut self, channel: &[u8], payload: &[u8], connection: u64) {
        // Nobody wants it any more, and Redis has not yet heard of that.
        let Some(entry) = self.table.find(channel) else { return self.did_one().await };
        let messages = match batch::decode(payload) {
            Ok(messages) => messages,
            Err(malformed) => {
                count_malformed(&entry.name, malformed.0);
                return self.did_one().await;
            }
        };
        for message in messages {
            surely(|| deliver_one(&entry, &message, connection, &mut self.scratch));
            self.did_one().await;
        }
    }
}

/// A sink that panics loses this message, and nothing else.
fn surely(handle: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(handle)).is_err() {
        tracing::error!("a message from Redis was lost to a panic");
    }
}

fn deliver_one(entry: &Entry, envelope: &Envelope<'_>, connection: u64, scratch: &mut Vec<u8>) {
    let (seen, sinks) = {
        let mut state = entry.state.lock();
        if state.heard != connection {
            // What an earlier connection still says does not count.
            return;
        }
        let seen = envelope.stamp.map_or(Seen::Next, |stamp| state.origins.hear(stamp));
        (seen, state.sinks.clone())
    };
    match seen {
        Seen::Next => {}
        Seen::After(missing) => entry.tell_gap(&sinks, Some(missing)),
        Seen::Again => {
            metrics::counter!("jstack_broker_duplicates_total").increment(1);
            return;
        }
    }
    let mut message = Message::new(entry.channel(), envelope.json, scratch);
    message.only = envelope.only;
    message.except = &envelope.except;
    message.except_rooms = &envelope.except_rooms;
    for wanting in sinks.iter() {
        wanting.sink.deliver(&message);
    }
}

/// Counts every one, and writes fewer and fewer of them to the log.
fn count_malformed(channel: &str, why: &str) {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    metrics::counter!("jstack_broker_malformed_total").increment(1);
    let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
    if count.is_power_of_two() {
        tracing::warn!(channel, why, count, "dropped a malformed message from Redis");
    }
}
