//! What every history must do, wherever it keeps the messages: one suite for all of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod redis_support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jstack_runtime::broker::{Broker, Channel, Publication, Scope, Sink};
use jstack_runtime::history::{Entry, Epoch, GapReason, History, Keep, Page, PageLimit, Position};
use jstack_runtime::{Memory, Redis, SocketId};
use redis_support::cluster::Cluster;
use redis_support::{Random, Server, text};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

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

/// One test for each behaviour and history.
macro_rules! conformance {
    ($($behaviour:ident)*) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $behaviour() {
                super::$behaviour(&super::Embedded).await;
            })*
        }

        mod redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "run by ./check: needs redis-server"]
            async fn $behaviour() {
                super::$behaviour(&super::OnRedis(super::Server::start())).await;
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
                $behaviour(&setting).await;
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

async fn messages_are_numbered_from_one_and_delivered_with_their_numbers(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    for n in 0..3 {
        here.publish(n).await;
    }
    let texts: Vec<_> = (3..6).map(text).collect();
    let mut scratches = vec![Vec::new(); 3];
    let messages: Vec<_> = texts
        .iter()
        .zip(&mut scratches)
        .map(|(text, scratch)| Publication::new(ROOM, text.as_bytes(), scratch))
        .collect();
    here.history.publish(&messages, KEEP, &*here.heard).await.unwrap();
    here.history.publish(&[], KEEP, &*here.heard).await.unwrap();
    let top = here.top().await;
    assert_eq!(top.offset(), 6);
    let expected: Vec<_> = (0..6).map(|n| (at(top, n + 1), text(n))).collect();
    assert_eq!(here.heard(6).await, expected);
}

async fn a_top_that_was_asked_for_is_followed_by_the_next_message(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    let top = here.top().await;
    assert_eq!(here.top().await, top);
    assert_eq!((offsets(&here.last().await), here.after(top).await.gap), (vec![], None));
    here.publish(1).await;
    let next = at(top, top.offset() + 1);
    assert_eq!(here.heard(1).await, [(next, text(1))]);
    let page = here.after(top).await;
    assert_eq!((page.top, texts(&page), page.gap), (next, vec![text(1)], None));
}

async fn what_came_after_a_position_is_read_in_order(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    let since = std::time::SystemTime::now();
    for n in 1..=8 {
        here.publish(n).await;
    }
    let top = here.top().await;
    for after in 0..=8 {
        let page = here.after(at(top, after)).await;
        assert_eq!((page.top, page.more, page.gap), (top, false, None));
        assert_eq!(offsets(&page), (after + 1..=8).collect::<Vec<_>>());
        assert_eq!(texts(&page), texts_of(after + 1..=8));
        let since = since.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        for entry in page.entries {
            assert!((since..since + 10_000).contains(&entry.at_millis.into()));
        }
    }
}

async fn what_is_beyond_the_bounds_is_a_gap(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    for n in 1..=25 {
        here.publish(n).await;
    }
    let top = here.top().await;
    for after in [0, 1, 14] {
        let page = here.after(at(top, after)).await;
        assert_eq!((page.gap, page.top), (Some(GapReason::Expired), top), "{after}");
        assert_eq!(texts(&page), texts_of(16..=25));
    }
    let page = here.after(at(top, 15)).await;
    assert_eq!((page.gap, texts(&page)), (None, texts_of(16..=25)));
    // More than is kept in one publish, and fewer from now on.
    let texts_: Vec<_> = (26..=60).map(text).collect();
    let mut scratches = vec![Vec::new(); texts_.len()];
    let messages: Vec<_> = texts_
        .iter()
        .zip(&mut scratches)
        .map(|(text, scratch)| Publication::new(ROOM, text.as_bytes(), scratch))
        .collect();
    let keep = Keep { count: 4, ..KEEP };
    here.history.publish(&messages, keep, &*here.heard).await.unwrap();
    assert_eq!(texts(&here.last().await), texts_of(57..=60));
    assert_eq!(here.heard(60).await.len(), 60, "all are delivered");
}

async fn what_is_too_old_is_a_gap(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    let keep = Keep { age: Duration::from_millis(300), ..KEEP };
    here.publish_with(ROOM, 1, keep).await;
    let top = here.top().await;
    sleep(Duration::from_millis(350)).await;
    let page = here.after(at(top, 0)).await;
    assert_eq!((page.gap, page.entries, page.top), (Some(GapReason::Expired), vec![], top));
    assert_eq!(here.after(top).await.gap, None, "nothing is missing");
    assert_eq!(texts(&here.last().await), texts_of(0..0));
    here.publish_with(ROOM, 2, keep).await;
    let page = here.after(top).await;
    assert_eq!((page.gap, texts(&page), page.top), (None, vec![text(2)], at(top, 2)));
    assert_eq!(here.after(at(top, 0)).await.gap, Some(GapReason::Expired));
}

async fn a_position_that_the_log_never_had_is_a_gap(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    for n in 1..=3 {
        here.publish(n).await;
    }
    let top = here.top().await;
    let other = Epoch::new(top.epoch().number() ^ 1);
    for wrong in [Position::new(other, 0), Position::new(other, 2), at(top, 4), at(top, u64::MAX)] {
        let page = here.after(wrong).await;
        assert_eq!((page.gap, page.top), (Some(GapReason::Reset), top), "{wrong}");
        assert_eq!(texts(&page), texts_of(1..=3));
    }
}

async fn pages_go_forward_without_holes(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    let keep = Keep { count: 100, ..KEEP };
    for n in 10..60 {
        here.publish_with(ROOM, n, keep).await;
    }
    let top = here.top().await;
    // `["n",10]` is eight bytes long, and an entry always fits.
    for (items, bytes, of_page) in [(7, usize::MAX, 7), (usize::MAX, 27, 3), (5, 16, 2), (9, 0, 1)]
    {
        let (mut from, mut all) = (at(top, 0), Vec::new());
        loop {
            let page = here.history.after(ROOM, from, PageLimit { items, bytes }).await.unwrap();
            assert!(page.entries.len() == of_page || !page.more, "{items}, {bytes}");
            assert_eq!((page.gap, page.top), (None, top));
            all.extend(texts(&page));
            from = at(top, page.entries.last().unwrap().offset);
            if !page.more {
                break;
            }
        }
        assert_eq!((all, from), (texts_of(10..60), top));
    }
}

async fn pages_go_back_without_holes(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    let keep = Keep { count: 100, ..KEEP };
    for n in 10..60 {
        here.publish_with(ROOM, n, keep).await;
    }
    for (items, bytes, of_page) in [(7, usize::MAX, 7), (usize::MAX, 27, 3), (5, 16, 2), (9, 0, 1)]
    {
        let (mut before, mut all) = (None, Vec::new());
        loop {
            let limit = PageLimit { items, bytes };
            let page = here.history.before(ROOM, before, limit).await.unwrap();
            assert!(page.entries.len() == of_page || !page.more, "{items}, {bytes}");
            assert_eq!(page.gap, None);
            all.splice(0..0, texts(&page));
            before = Some(page.entries[0].offset);
            if !page.more {
                break;
            }
        }
        assert_eq!(all, texts_of(10..60));
    }
    for none in [0, 1] {
        let page = here.history.before(ROOM, Some(none), ALL).await.unwrap();
        assert_eq!((page.entries, page.more), (vec![], false));
    }
}

async fn an_entry_keeps_whom_it_is_not_for(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    let ids: Vec<SocketId> = (1..3).map(|n| format!("{n:032x}").parse().unwrap()).collect();
    let rooms = ["a,b".into(), "ä".into()];
    let mut scratch = Vec::new();
    let mut message = Publication::new(ROOM, b"[\"n\",1]", &mut scratch);
    (message.except, message.except_rooms) = (&ids, &rooms);
    here.history.publish(&[message], KEEP, &*here.heard).await.unwrap();
    let page = here.last().await;
    let entry = &page.entries[0];
    assert_eq!((&entry.except, &entry.except_rooms[..]), (&ids, &rooms[..]));
    let mut scratch = Vec::new();
    let message = entry.message(ROOM, page.top, &mut scratch);
    assert_eq!((message.except, message.except_rooms), (&ids[..], &rooms[..]));
    assert_eq!((message.json(), message.position), (&b"[\"n\",1]"[..], Some(page.top)));
}

async fn a_log_that_was_cleared_goes_on_with_its_numbers(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    for n in 1..=3 {
        here.publish(n).await;
    }
    let top = here.top().await;
    here.history.clear(ROOM).await.unwrap();
    assert_eq!(here.top().await, top);
    assert_eq!(here.last().await.entries, []);
    assert_eq!(here.after(at(top, 2)).await.gap, Some(GapReason::Expired));
    assert_eq!(here.after(top).await.gap, None);
    here.publish(4).await;
    let page = here.after(top).await;
    assert_eq!((page.gap, texts(&page), page.top), (None, vec![text(4)], at(top, 4)));
}

async fn rooms_have_logs_of_their_own(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    let channels = [
        ROOM,
        Channel { scope: Scope::All, ..ROOM },
        Channel { scope: Scope::Room("all"), ..ROOM },
        Channel { scope: Scope::Room("ä{x}:*"), ..ROOM },
        Channel { procedure: "post/other", ..ROOM },
    ];
    for round in 0..2 {
        for (n, channel) in (0..).zip(channels) {
            here.publish_with(channel, 10 * round + n, KEEP).await;
        }
    }
    for (n, channel) in (0..).zip(channels) {
        let page = here.history.before(channel, None, ALL).await.unwrap();
        assert_eq!((texts(&page), offsets(&page)), (vec![text(n), text(10 + n)], vec![1, 2]));
    }
    // Messages of several rooms in one publish.
    let mut scratches = vec![Vec::new(); 5];
    let messages: Vec<_> = channels
        .iter()
        .zip(&mut scratches)
        .map(|(channel, scratch)| Publication::new(*channel, b"[\"n\",99]", scratch))
        .collect();
    here.history.publish(&messages, KEEP, &*here.heard).await.unwrap();
    for channel in channels {
        let page = here.history.before(channel, None, ALL).await.unwrap();
        assert_eq!((page.top.offset(), texts(&page)[2].clone()), (3, text(99)));
    }
}

async fn every_process_delivers_in_the_order_of_the_numbers(setting: &dyn Setting) {
    const EACH: u64 = 300;
    let mut processes = vec![Process::of(setting.broker()).await];
    for other in [setting.other(), setting.other()].into_iter().flatten() {
        processes.push(Process::of(other).await);
    }
    let processes = Arc::new(processes);
    let publishing: Vec<_> = (0..4)
        .map(|publisher| {
            let processes = processes.clone();
            tokio::spawn(async move {
                let process = &processes[publisher % processes.len()];
                for n in 0..EACH {
                    process.publish(publisher as u64 * EACH + n).await;
                }
            })
        })
        .collect();
    for publisher in publishing {
        publisher.await.unwrap();
    }
    let top = processes[0].top().await;
    assert_eq!(top.offset(), 4 * EACH);
    let first = processes[0].heard(4 * EACH as usize).await;
    assert!(first.iter().zip(1..).all(|((position, _), offset)| *position == at(top, offset)));
    for process in processes.iter() {
        assert_eq!(process.heard(4 * EACH as usize).await, first);
        let last: Vec<_> =
            first.iter().rev().take(10).rev().map(|(_, text)| text.clone()).collect();
        assert_eq!(texts(&process.last().await), last, "the log has the same order");
    }
}

async fn a_log_is_read_while_it_is_written(setting: &dyn Setting) {
    let here = Arc::new(Process::of(setting.broker()).await);
    let writing = {
        let here = here.clone();
        tokio::spawn(async move {
            for n in 1..=500 {
                here.publish(n).await;
            }
        })
    };
    let mut random = Random(7);
    loop {
        let done = writing.is_finished();
        let top = here.top().await;
        let back = random.below(12) as u64;
        let page = here.after(at(top, top.offset().saturating_sub(back))).await;
        let offsets = offsets(&page);
        // Page and top are of one moment.
        assert_eq!(offsets.last().copied().unwrap_or(page.top.offset()), page.top.offset());
        assert!(offsets.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{offsets:?}");
        assert_eq!(texts(&page), texts_of(offsets.into_iter()));
        if done {
            break;
        }
        tokio::task::yield_now().await;
    }
    writing.await.unwrap();
}

async fn a_large_message_is_kept_whole(setting: &dyn Setting) {
    let here = Process::of(setting.broker()).await;
    let large = format!("[\"n\",\"{}\"]", "ä".repeat(1 << 20));
    let mut scratch = Vec::new();
    let message = Publication::new(ROOM, large.as_bytes(), &mut scratch);
    here.history.publish(&[message], KEEP, &*here.heard).await.unwrap();
    assert!(here.heard(1).await[0].1 == large);
    let limit = PageLimit { items: 10, bytes: 1_000 };
    let page = here.history.before(ROOM, None, limit).await.unwrap();
    assert!(texts(&page) == [large]);
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
