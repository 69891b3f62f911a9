//! What every history must do, wherever it keeps the messages: one suite for all of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../redis_support/mod.rs"]
mod redis_support;

mod order;
mod pages;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jstack_runtime::broker::{Broker, Channel, Publication, Scope, Sink};
use jstack_runtime::history::{Entry, GapReason, History, Keep, Page, PageLimit, Position};
use jstack_runtime::{Memory, Redis};
use redis_support::cluster::Cluster;
use redis_support::{Server, text};
use tokio::sync::Notify;
use tokio::time::timeout;

const ROOM: Channel<'static> = Channel { procedure: "post/chat", scope: Scope::Room("general") };
const KEEP: Keep = Keep { count: 10, age: Duration::from_secs(60) };
const ALL: PageLimit = PageLimit { items: usize::MAX, bytes: usize::MAX };

/// Processes that share a history: for the embedded one there is only one.
trait Setting: Sync {
    fn broker(&self) -> Arc<dyn Broker>;
    /// The broker of another process, or none.
    fn other(&self) -> Option<Arc<dyn Broker>>;
}

struct Embedded;

impl Setting for Embedded {
    fn broker(&self) -> Arc<dyn Broker> {
        Arc::new(Memory::new())
    }

    fn other(&self) -> Option<Arc<dyn Broker>> {
        None
    }
}

struct OnRedis(Server);

impl Setting for OnRedis {
    fn broker(&self) -> Arc<dyn Broker> {
        Arc::new(Redis::new(&self.0.url()).unwrap())
    }

    fn other(&self) -> Option<Arc<dyn Broker>> {
        Some(self.broker())
    }
}

struct OnCluster(Cluster);

impl Setting for OnCluster {
    fn broker(&self) -> Arc<dyn Broker> {
        Arc::new(Redis::new(&self.0.url()).unwrap())
    }

    fn other(&self) -> Option<Arc<dyn Broker>> {
        Some(self.broker())
    }
}

mod behaviours {
    pub(super) use super::order::*;
    pub(super) use super::pages::*;
}

/// One test for each behaviour and history.
macro_rules! conformance {
    ($($behaviour:ident)*) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() {
                super::behaviours::$behaviour(&super::Embedded).await;
            })*
        }

        mod redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "run by ./check: needs redis-server"]
            async fn $behaviour() {
                super::behaviours::$behaviour(&super::OnRedis(super::Server::start())).await;
            })*
        }

        /// One cluster for all of them, since it takes its time to form; between two, it is emptied.
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        #[ignore = "run by ./check: needs redis-server"]
        async fn redis_cluster() {
            let setting = OnCluster(Cluster::start());
            $(
                println!(stringify!($behaviour));
                for server in &setting.0.servers[..3] {
                    assert_eq!(server.cli(&["flushall"]).trim(), "OK");
                }
                behaviours::$behaviour(&setting).await;
            )*
        }
    };
}

conformance! {
    messages_are_numbered_from_one_and_delivered_with_their_numbers
    a_top_that_was_asked_for_is_followed_by_the_next_message
    what_came_after_a_position_is_read_in_order
    what_is_beyond_the_bounds_is_a_gap
    what_is_too_old_is_a_gap
    a_position_that_the_log_never_had_is_a_gap
    pages_go_forward_without_holes
    pages_go_back_without_holes
    an_entry_keeps_whom_it_is_not_for
    a_log_that_was_cleared_goes_on_with_its_numbers
    rooms_have_logs_of_their_own
    every_process_delivers_in_the_order_of_the_numbers
    a_log_is_read_while_it_is_written
    a_large_message_is_kept_whole
}

/// A process: its broker, its history, and what it heard.
struct Process {
    history: Arc<dyn History>,
    heard: Arc<Heard>,
}

#[derive(Default)]
struct Heard {
    messages: Mutex<Vec<(Option<Position>, String)>>,
    more: Notify,
}

impl Sink for Heard {
    fn deliver(&self, message: &Publication<'_>) {
        let json = String::from_utf8(message.json().to_vec()).unwrap();
        self.messages.lock().unwrap().push((message.position, json));
        self.more.notify_waiters();
    }

    fn gap(&self, _: Channel<'_>, _: Option<u64>) {
        panic!("nothing was lost");
    }
}

impl Process {
    async fn of(broker: Arc<dyn Broker>) -> Self {
        let heard = Arc::new(Heard::default());
        broker.subscribe(ROOM, heard.clone()).await.unwrap();
        Self { history: broker.history().unwrap(), heard }
    }

    async fn publish_with(&self, channel: Channel<'_>, n: u64, keep: Keep) {
        let (text, mut scratch) = (text(n), Vec::new());
        let message = Publication::new(channel, text.as_bytes(), &mut scratch);
        self.history.publish(&[message], keep, &*self.heard).await.unwrap();
    }

    async fn publish(&self, n: u64) {
        self.publish_with(ROOM, n, KEEP).await;
    }

    /// Waits until so many messages were heard, and returns them.
    async fn heard(&self, count: usize) -> Vec<(Position, String)> {
        let wait = async {
            loop {
                let more = self.heard.more.notified();
                let mut more = std::pin::pin!(more);
                more.as_mut().enable();
                let messages = self.heard.messages.lock().unwrap().clone();
                if messages.len() >= count {
                    return messages.into_iter().map(|(at, json)| (at.unwrap(), json)).collect();
                }
                more.await;
            }
        };
        timeout(Duration::from_secs(10), wait).await.expect("it is heard")
    }

    async fn top(&self) -> Position {
        self.history.top(ROOM, KEEP).await.unwrap()
    }

    async fn after(&self, after: Position) -> Page {
        self.history.after(ROOM, after, ALL).await.unwrap()
    }

    async fn last(&self) -> Page {
        self.history.before(ROOM, None, ALL).await.unwrap()
    }
}

fn offsets(page: &Page) -> Vec<u64> {
    page.entries.iter().map(|entry| entry.offset).collect()
}

fn texts(page: &Page) -> Vec<String> {
    let json = |entry: &Entry| String::from_utf8(entry.json.to_vec()).unwrap();
    page.entries.iter().map(json).collect()
}

fn texts_of(numbers: impl Iterator<Item = u64>) -> Vec<String> {
    numbers.map(text).collect()
}

fn at(top: Position, offset: u64) -> Position {
    Position::new(top.epoch(), offset)
}

#[tokio::test]
async fn the_embedded_history_begins_another_epoch_with_every_process() {
    let [before, after] =
        [Process::of(Embedded.broker()).await, Process::of(Embedded.broker()).await];
    before.publish(1).await;
    after.publish(1).await;
    after.publish(2).await;
    let page = after.after(before.top().await).await;
    assert_eq!((page.gap, texts(&page)), (Some(GapReason::Reset), texts_of(1..=2)));
}
