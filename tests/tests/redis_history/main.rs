//! What is lost in Redis, and what readers of a room's history learn of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../redis_support/mod.rs"]
mod redis_support;

mod others;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jstack_runtime::broker::{Broker, Channel, Publication, Scope, Sink};
use jstack_runtime::history::{GapReason, History, Keep, Page, PageLimit, Position};
use jstack_runtime::{Redis, Result};
use redis_support::{Server, text};
use tokio::time::{sleep, timeout};

const ROOM: Channel<'static> = Channel { procedure: "post/chat", scope: Scope::Room("general") };
const KEEP: Keep = Keep { count: 100, age: Duration::from_secs(60) };
const ALL: PageLimit = PageLimit { items: usize::MAX, bytes: usize::MAX };
const LOG: &str = "{jstack:post/chat:room:general}:log";
const META: &str = "{jstack:post/chat:room:general}:meta";

/// A process, and the positions that it heard.
struct Process {
    broker: Redis,
    history: Arc<dyn History>,
    heard: Arc<Heard>,
}

#[derive(Default)]
struct Heard(Mutex<Vec<(Option<Position>, String)>>);

impl Sink for Heard {
    fn deliver(&self, message: &Publication<'_>) {
        let json = String::from_utf8(message.json().to_vec()).unwrap();
        self.0.lock().unwrap().push((message.position, json));
    }

    fn gap(&self, _: Channel<'_>, _: Option<u64>) {}
}

impl Process {
    async fn of(server: &Server) -> Self {
        Self::at(&server.url()).await
    }

    async fn at(url: &str) -> Self {
        let broker = Redis::connect(url).await.unwrap();
        let (history, heard) = (broker.history().unwrap(), Arc::new(Heard::default()));
        Self { broker, history, heard }
    }

    async fn try_publish(&self, channel: Channel<'_>, n: u64) -> Result {
        let (text, mut scratch) = (text(n), Vec::new());
        let message = Publication::new(channel, text.as_bytes(), &mut scratch);
        self.history.publish(&[message], KEEP, &*self.heard).await
    }

    async fn publish(&self, numbers: impl Iterator<Item = u64>) {
        for n in numbers {
            self.try_publish(ROOM, n).await.unwrap();
        }
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

    /// Publishes as soon as Redis takes it.
    async fn publish_soon(&self, n: u64) {
        let published = async {
            while self.try_publish(ROOM, n).await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(10), published).await.unwrap();
    }

    async fn until_heard(&self, count: usize) -> Vec<(Option<Position>, String)> {
        let since = Instant::now();
        loop {
            let heard = self.heard.0.lock().unwrap().clone();
            if heard.len() >= count {
                return heard;
            }
            assert!(since.elapsed() < Duration::from_secs(10), "heard {} of {count}", heard.len());
            sleep(Duration::from_millis(5)).await;
        }
    }
}

fn texts(page: &Page) -> Vec<String> {
    let text = |json: &[u8]| String::from_utf8(json.to_vec()).unwrap();
    page.entries.iter().map(|entry| text(&entry.json)).collect()
}

fn texts_of(numbers: impl Iterator<Item = u64>) -> Vec<String> {
    numbers.map(text).collect()
}

/// A reader who was at `before` learns that it cannot continue, and gets what there is.
async fn assert_reset(process: &Process, before: Position, there: &[u64]) {
    let page = process.after(before).await;
    assert_eq!(page.gap, Some(GapReason::Reset));
    assert_ne!(page.top.epoch(), before.epoch());
    assert_eq!(texts(&page), texts_of(there.iter().copied()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_lost_meta_key_begins_an_epoch_without_the_old_entries() {
    let server = Server::start();
    let here = Process::of(&server).await;
    for (n, lose) in (0..).zip([&["del", META][..], &["flushall"]]) {
        let first = 10 * n;
        here.publish(first..first + 5).await;
        let before = here.top().await;
        server.cli(lose);
        here.publish(first + 5..first + 6).await;
        assert_reset(&here, before, &[first + 5]).await;
        assert_eq!(here.top().await.offset(), 1);
        assert_eq!(texts(&here.last().await), texts_of(first + 5..first + 6));
        server.cli(&["flushall"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_lost_log_is_a_gap_within_the_epoch() {
    let server = Server::start();
    let here = Process::of(&server).await;
    here.publish(1..6).await;
    let top = here.top().await;
    server.cli(&["del", LOG]);
    let behind = Position::new(top.epoch(), 3);
    let page = here.after(behind).await;
    assert_eq!((page.gap, page.top, page.entries), (Some(GapReason::Expired), top, vec![]));
    assert_eq!(here.after(top).await.gap, None);
    here.publish(6..8).await;
    let page = here.after(top).await;
    assert_eq!((page.gap, texts(&page), page.top.offset()), (None, texts_of(6..8), 7));
    assert_eq!(here.after(behind).await.gap, Some(GapReason::Expired));
    let expires: i64 = server.cli(&["pttl", LOG]).trim().parse().unwrap();
    assert!(expires > 60_000, "a log that is made again expires as well: {expires}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_server_that_forgets_the_script_gets_it_again_and_the_order_is_kept() {
    const EACH: u64 = 400;
    let server = Server::start();
    let here = Arc::new(Process::of(&server).await);
    here.broker.subscribe(ROOM, here.heard.clone()).await.unwrap();
    let publishing: Vec<_> = (0..8)
        .map(|publisher| {
            let here = here.clone();
            tokio::spawn(
                async move { here.publish(publisher * EACH..(publisher + 1) * EACH).await },
            )
        })
        .collect();
    while !publishing.iter().all(|publisher| publisher.is_finished()) {
        server.cli(&["script", "flush"]);
        assert!(here.history.top(ROOM, KEEP).await.is_ok());
        sleep(Duration::from_millis(10)).await;
    }
    for publisher in publishing {
        publisher.await.unwrap();
    }
    let heard = here.until_heard(8 * EACH as usize).await;
    let top = here.top().await;
    for ((position, _), offset) in heard.iter().zip(1..) {
        assert_eq!(*position, Some(Position::new(top.epoch(), offset)));
    }
    for publisher in 0..8 {
        let sent = texts_of(publisher * EACH..(publisher + 1) * EACH);
        let order: Vec<_> = heard.iter().map(|(_, it)| it).filter(|it| sent.contains(it)).collect();
        assert_eq!(order, sent.iter().collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_server_that_restarts_without_the_end_begins_an_epoch_and_keeps_what_it_has() {
    let mut server = Server::start();
    let here = Process::of(&server).await;
    here.publish(1..6).await;
    server.cli(&["save"]);
    here.publish(6..9).await;
    let before = here.top().await;
    assert_eq!(before.offset(), 8);
    server.kill();
    server.run();
    here.publish_soon(9).await;
    // Otherwise 9 would be the offset 6, which the reader has seen.
    assert_reset(&here, before, &[9]).await;
    assert_eq!(texts(&here.last().await), [texts_of(1..6), texts_of(9..10)].concat());
    let within = Position::new(before.epoch(), 5);
    assert_eq!(here.after(within).await.gap, Some(GapReason::Reset), "6 to 8 were lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_replica_that_is_promoted_begins_an_epoch() {
    let (master, replica) =
        (Server::start(), Server::start_with(&["--repl-diskless-sync-delay", "0"]));
    let here = Process::of(&master).await;
    here.publish(1..4).await;
    let before = here.top().await;
    replica.cli(&["replicaof", "127.0.0.1", &master.port.to_string()]);
    let since = Instant::now();
    while !replica.cli(&["exists", META]).contains('1') {
        assert!(since.elapsed() < Duration::from_secs(20), "the replica follows");
        sleep(Duration::from_millis(20)).await;
    }
    replica.cli(&["replicaof", "no", "one"]);
    let there = Process::of(&replica).await;
    // Nothing was published yet: a reader who comes first learns of it as well.
    assert_reset(&there, before, &[]).await;
    assert_eq!(texts(&there.last().await), texts_of(1..4));
    there.publish(4..5).await;
    assert_reset(&there, before, &[4]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn eviction_is_never_silent() {
    const ROOMS: u64 = 60;
    let server =
        Server::start_with(&["--maxmemory", "3mb", "--maxmemory-policy", "allkeys-random"]);
    let here = Process::of(&server).await;
    let names: Vec<_> = (0..ROOMS).map(|n| format!("room {n}")).collect();
    let channel = |n: u64| Channel { scope: Scope::Room(&names[n as usize]), ..ROOM };
    let mut at: Vec<Option<Position>> = vec![None; ROOMS as usize];
    let (mut gaps, mut read) = (0, 0);
    let large = "x".repeat(2_000);
    for round in 0..40 {
        for n in 0..ROOMS {
            let (json, mut scratch) = (format!("[\"n\",[{round},\"{large}\"]]"), Vec::new());
            let message = Publication::new(channel(n), json.as_bytes(), &mut scratch);
            here.history.publish(&[message], KEEP, &*here.heard).await.unwrap();
            if (round + n) % 5 == 0 {
                let after = at[n as usize];
                let from = after.unwrap_or(here.history.top(channel(n), KEEP).await.unwrap());
                let page = here.history.after(channel(n), from, ALL).await.unwrap();
                if page.gap.is_none() {
                    let offsets: Vec<_> = page.entries.iter().map(|entry| entry.offset).collect();
                    let expected: Vec<_> = (from.offset() + 1..=page.top.offset()).collect();
                    assert_eq!((offsets, page.top.epoch()), (expected, from.epoch()));
                    read += page.entries.len();
                } else {
                    gaps += 1;
                }
                at[n as usize] = Some(page.top);
            }
        }
    }
    assert!(gaps > 10 && read > 100, "{gaps} gaps, {read} read");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn keys_are_written_for_rooms_with_history_alone_and_expire() {
    let server = Server::start();
    let here = Process::of(&server).await;
    let mut scratch = Vec::new();
    let message = Publication::new(ROOM, b"[\"n\",1]", &mut scratch);
    here.broker.publish(&[message], &*here.heard).await.unwrap();
    assert_eq!(server.cli(&["dbsize"]).trim(), "0");
    here.publish(1..2).await;
    let keys = server.cli(&["keys", "*"]);
    let mut keys: Vec<_> = keys.lines().collect();
    keys.sort_unstable();
    assert_eq!(keys, [LOG, META]);
    for (key, least) in [(LOG, 60_000), (META, 7 * 24 * 60 * 60 * 1_000)] {
        let expires: i64 = server.cli(&["pttl", key]).trim().parse().unwrap();
        assert!(expires > least, "{key} expires in {expires} ms");
    }
    // A log with entries that are too old shrinks although nobody reads it.
    let keep = Keep { age: Duration::from_millis(100), ..KEEP };
    for n in 0..100 {
        let (text, mut scratch) = (text(n), Vec::new());
        let message = Publication::new(ROOM, text.as_bytes(), &mut scratch);
        here.history.publish(&[message], keep, &*here.heard).await.unwrap();
    }
    sleep(Duration::from_millis(250)).await;
    let message = Publication::new(ROOM, b"[\"n\",1]", &mut scratch);
    here.history.publish(&[message], keep, &*here.heard).await.unwrap();
    assert_eq!(server.cli(&["llen", LOG]).trim(), "1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn while_redis_is_away_publishing_and_reading_fail_in_time() {
    let mut server = Server::start();
    let here = Process::of(&server).await;
    here.publish(1..2).await;
    server.kill();
    let top = Position::new("1".parse().unwrap(), 1);
    for _ in 0..3 {
        let since = Instant::now();
        let publish = here.try_publish(ROOM, 2).await.unwrap_err();
        let read = here.history.after(ROOM, top, ALL).await.unwrap_err();
        let clear = here.history.clear(ROOM).await.unwrap_err();
        for error in [publish, read, clear] {
            assert_eq!((error.status().as_u16(), error.code()), (503, "broker"));
        }
        assert!(since.elapsed() < Duration::from_secs(7), "{:?}", since.elapsed());
    }
    server.run();
    here.publish_soon(3).await;
    assert_eq!(texts(&here.last().await), texts_of(3..4));
}

/// What somebody who was at `after` gets: the entries, and whether something is missing.
async fn offsets(process: &Process, after: u64) -> (Vec<u64>, Option<GapReason>) {
    let epoch = process.top().await.epoch();
    let page = process.after(Position::new(epoch, after)).await;
    (page.entries.iter().map(|entry| entry.offset).collect(), page.gap)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_log_is_bounded_in_entries_for_readers_and_in_bytes_for_redis() {
    const MIB: usize = 1024 * 1024;
    let server = Server::start();
    let here = Process::of(&server).await;
    for n in 0..30 {
        let keep = Keep { count: 16, ..KEEP };
        let (text, mut scratch) = (text(n), Vec::new());
        let message = Publication::new(ROOM, text.as_bytes(), &mut scratch);
        here.history.publish(&[message], keep, &*here.heard).await.unwrap();
    }
    assert!(server.cli(&["llen", LOG]).trim().parse::<u32>().unwrap() <= 18);
    assert_eq!(here.last().await.entries.len(), 16);
    assert_eq!(offsets(&here, 13).await.1, Some(GapReason::Expired));
    assert_eq!(offsets(&here, 14).await.1, None);
    let large = "x".repeat(MIB);
    for _ in 0..50 {
        let (json, mut scratch) = (format!("[\"n\",\"{large}\"]"), Vec::new());
        let message = Publication::new(ROOM, json.as_bytes(), &mut scratch);
        here.history.publish(&[message], KEEP, &*here.heard).await.unwrap();
        let kept: usize = server.cli(&["memory", "usage", LOG]).trim().parse().unwrap();
        assert!(kept < 26 * MIB, "{kept}");
    }
    let kept: usize = server.cli(&["llen", LOG]).trim().parse().unwrap();
    assert!((15..=20).contains(&kept), "{kept}");
}
