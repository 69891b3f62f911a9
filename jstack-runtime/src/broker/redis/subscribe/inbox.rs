//! From the connection to the sinks: a few bounded queues, each with a task that empties it.
//!
//! All messages of a channel go through one queue, which keeps their order. A full queue drops
//! messages. It counts them by channel at the position where they are missing, and reports a gap.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::entry::Entry;
use super::table::Table;
use crate::broker::Publication;
use crate::broker::format::envelope::{Envelope, Malformed};
use crate::broker::format::sequence::SequenceCheck;
use crate::broker::format::{numbered, text};
use crate::broker::redis::counters::COUNTERS;
use crate::history::Position;
use crate::observe;

/// The limits of one queue.
const MAX_BYTES: usize = 32 * 1024 * 1024;
const MAX_ITEMS: usize = 65_536;
/// Messages that are delivered before other tasks get a turn.
const TURN: usize = 128;

/// The queues of a process.
pub(crate) struct Inbox {
    lanes: Vec<Arc<Lane>>,
    hasher: RandomState,
}

#[derive(Default)]
struct Lane {
    queue: Mutex<LaneQueue>,
    filled: Notify,
}

#[derive(Default)]
struct LaneQueue {
    items: VecDeque<Item>,
    bytes: usize,
}

enum Item {
    /// It arrived on the connection with this number.
    Message { channel: Vec<u8>, payload: Vec<u8>, connection: u64 },
    /// Redis confirmed a subscription on the connection with this number.
    Begun { channel: Vec<u8>, connection: u64 },
    /// Redis does not send the channel any more.
    Ended { channel: Vec<u8>, connection: u64 },
    /// The messages that were dropped here, counted for each channel.
    Dropped(HashMap<Vec<u8>, u64>),
}

impl Inbox {
    /// Starts the queues and the tasks that deliver from them to the sinks of `table`.
    pub(crate) fn start(table: &Arc<Table>) -> (Arc<Self>, Vec<JoinHandle<()>>) {
        let count = std::thread::available_parallelism().map_or(1, usize::from).min(8);
        let lanes: Vec<Arc<Lane>> = (0..count).map(|_| Arc::default()).collect();
        let tasks =
            lanes.iter().map(|lane| tokio::spawn(empty(lane.clone(), table.clone()))).collect();
        (Arc::new(Self { lanes, hasher: RandomState::new() }), tasks)
    }

    /// Queues a message. Never waits.
    pub(crate) fn message(&self, channel: Vec<u8>, payload: Vec<u8>, connection: u64) {
        self.lane(&channel).message(channel, payload, connection);
    }

    /// Queues that Redis has subscribed to a channel, or unsubscribed from it.
    pub(crate) fn change(&self, channel: Vec<u8>, begun: bool, connection: u64) {
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
        if queue.items.len() >= MAX_ITEMS || queue.bytes + size > MAX_BYTES {
            let messages = numbered::count(&text::head(&payload));
            COUNTERS.dropped.increment(messages);
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

/// Delivers what is queued. Never returns.
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

/// Delivers to the sinks.
struct Delivery {
    table: Arc<Table>,
    scratch: Vec<u8>,
    /// How many messages were delivered.
    done: usize,
}

impl Delivery {
    async fn handle(&mut self, item: Item) {
        match item {
            Item::Message { channel, payload, connection } => {
                return self.deliver(&channel, &payload, connection).await;
            }
            Item::Begun { channel, connection } => {
                catch_panic(|| self.table.begun(&channel, connection));
            }
            Item::Ended { channel, connection } => {
                catch_panic(|| self.table.ended(&channel, connection));
            }
            Item::Dropped(channels) => catch_panic(|| self.report_dropped(channels)),
        }
        self.did_one().await;
    }

    async fn did_one(&mut self) {
        self.done = self.done.wrapping_add(1);
        if self.done.is_multiple_of(TURN) {
            tokio::task::yield_now().await;
        }
    }

    fn report_dropped(&self, dropped: HashMap<Vec<u8>, u64>) {
        observe::warning!(
            channels = dropped.len(),
            "messages from Redis arrive faster than they are delivered"
        );
        for (channel, count) in dropped {
            let Some(entry) = self.table.find(&channel) else { continue };
            let subscribers = {
                let mut state = entry.state.lock();
                state.tracker.gap_reported();
                state.subscribers.clone()
            };
            entry.report_gap(&subscribers, Some(count));
        }
    }

    async fn deliver(&mut self, channel: &[u8], payload: &[u8], connection: u64) {
        // Nobody wants it any more, and the request to end it is on its way.
        let Some(entry) = self.table.find(channel) else { return self.did_one().await };
        let malformed = |malformed: Malformed| count_malformed(&entry.name, malformed.0);
        let Ok(payload) = text::read(payload).map_err(malformed) else {
            return self.did_one().await;
        };
        let Ok(numbered) = numbered::decode(&payload).map_err(malformed) else {
            return self.did_one().await;
        };
        let position = |n| {
            let first = numbered.first?;
            Some(Position::new(first.epoch(), first.offset().saturating_add(n)))
        };
        for (message, n) in numbered.messages.zip(0..) {
            let it = (&message, position(n));
            catch_panic(|| deliver_one(&entry, it, connection, &mut self.scratch));
            self.did_one().await;
        }
    }
}

/// Confines a panic of a sink to the message that caused it.
fn catch_panic(handle: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(handle)).is_err() {
        observe::error!("a message from Redis was lost to a panic");
    }
}

fn deliver_one(
    entry: &Entry,
    (envelope, position): (&Envelope<'_>, Option<Position>),
    connection: u64,
    scratch: &mut Vec<u8>,
) {
    let (check, subscribers) = {
        let mut state = entry.state.lock();
        if state.heard != connection {
            // It arrived on an earlier connection.
            return;
        }
        let check = envelope.stamp.map_or(SequenceCheck::Next, |stamp| state.tracker.record(stamp));
        (check, state.subscribers.clone())
    };
    match check {
        SequenceCheck::Next => {}
        SequenceCheck::Missing(missing) => entry.report_gap(&subscribers, Some(missing)),
        SequenceCheck::Duplicate => {
            COUNTERS.duplicates.increment(1);
            return;
        }
    }
    let mut message = Publication::new(entry.channel(), envelope.json, scratch);
    message.only = envelope.only;
    message.position = position;
    message.except = &envelope.except;
    message.except_rooms = &envelope.except_rooms;
    for subscriber in subscribers.iter() {
        subscriber.sink.deliver(&message);
    }
}

/// Counts every malformed message, and logs them ever more rarely.
fn count_malformed(channel: &str, why: &str) {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    COUNTERS.malformed.increment(1);
    let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
    if count.is_power_of_two() {
        observe::warning!(channel, why, count, "dropped a malformed message from Redis");
    }
}
