//! Redis goes away and comes back, in every way we know: nothing is lost silently.
//!
//! One process publishes numbers all the time, and notes which of them Redis took; what each
//! process heard is held against that (`redis_support/oracle.rs`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod redis_support;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jstack_runtime::broker::Scope;
use redis_support::oracle::Publishing;
use redis_support::{Item, Process, Server, message, text};
use tokio::time::{sleep, timeout};

const ROOM: Scope<'static> = Scope::Room("general");
/// What the issue allows for being back after Redis is.
const BACK: Duration = Duration::from_secs(2);

/// Two processes hear the room, one publishes; `outage` returns when Redis is back.
async fn survive(
    server: &mut Server,
    outage: impl AsyncFnOnce(&mut Server, &Process),
) -> [usize; 2] {
    let here = Arc::new(Process::redis(server));
    let there = Process::redis(server);
    here.join(ROOM).await.unwrap();
    there.join(ROOM).await.unwrap();
    let publishing = Publishing::start(&here, ROOM);
    let some = |items: &[Item]| items.len() >= 50;
    tokio::join!(here.rooms.until(ROOM, some), there.rooms.until(ROOM, some));

    outage(server, &here).await;

    let back = publishing.until_heard(ROOM, [&here, &there]).await;
    println!("both hear again {} ms after Redis is back", back.as_millis());
    assert!(back <= BACK, "it took {back:?}");

    let gaps = publishing.judge(ROOM, [&here, &there]).await;
    assert_eq!(here.broker.trouble(), None);
    // The dead of the outage may take a moment to be buried.
    let two_each = async {
        while server.connections().len() != 4 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(5), two_each).await.expect("two connections each");
    gaps
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn redis_killed_for_2_seconds() {
    let gaps = survive(&mut Server::start(), killed(2)).await;
    assert!(gaps[0] > 0 && gaps[1] > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn redis_killed_for_20_seconds() {
    let gaps = survive(&mut Server::start(), killed(20)).await;
    assert!(gaps[0] > 0 && gaps[1] > 0);
}

/// Redis is dead for so many seconds; meanwhile emits fail at once, and joins too.
fn killed(seconds: u64) -> impl AsyncFnOnce(&mut Server, &Process) {
    async move |server: &mut Server, process: &Process| {
        server.kill();
        sleep(Duration::from_secs(seconds)).await;
        assert!(process.broker.trouble().unwrap().contains("Redis at redis://127.0.0.1"));
        let since = Instant::now();
        let error = process.publish(ROOM, "[\"lost\",1]").await.unwrap_err();
        assert_eq!((error.status().as_u16(), error.code()), (503, "broker"));
        assert!(process.join(Scope::Room("another")).await.is_err());
        assert!(since.elapsed() < Duration::from_millis(100), "it is known to be away");
        server.run();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn subscribers_are_cut_off() {
    let cut = async |server: &mut Server, _: &Process| {
        for _ in 0..5 {
            server.cli(&["client", "kill", "type", "pubsub"]);
            sleep(Duration::from_millis(300)).await;
        }
    };
    let gaps = survive(&mut Server::start(), cut).await;
    assert!(gaps[0] > 0 && gaps[1] > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn publishers_are_cut_off() {
    let cut = async |server: &mut Server, _: &Process| {
        for _ in 0..5 {
            server.cli(&["client", "kill", "type", "normal"]);
            sleep(Duration::from_millis(300)).await;
        }
    };
    survive(&mut Server::start(), cut).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn redis_is_silent_for_10_seconds() {
    let stopped = async |server: &mut Server, process: &Process| {
        server.signal("STOP");
        sleep(Duration::from_secs(10)).await;
        assert!(process.broker.trouble().is_some(), "silence is noticed");
        server.signal("CONT");
        server.cli(&["ping"]);
    };
    survive(&mut Server::start(), stopped).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn redis_is_emptied() {
    let flushed = async |server: &mut Server, _: &Process| {
        assert_eq!(server.cli(&["flushall"]).trim(), "OK");
    };
    let gaps = survive(&mut Server::start(), flushed).await;
    assert_eq!(gaps, [0, 0], "nothing is kept in Redis");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn redis_comes_later_than_we_do() {
    let mut server = Server::start();
    server.kill();
    let here = Process::redis(&server);
    assert!(here.join(ROOM).await.is_err());
    assert!(here.publish(ROOM, &text(1)).await.is_err());
    assert!(here.broker.trouble().is_some());
    server.run();
    let since = Instant::now();
    let joined = async {
        while here.join(ROOM).await.is_err() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(BACK, joined).await.expect("it is there now");
    println!("joined {} ms after Redis came", since.elapsed().as_millis());
    while here.publish(ROOM, &text(2)).await.is_err() {
        assert!(since.elapsed() < BACK);
        sleep(Duration::from_millis(10)).await;
    }
    here.rooms.until(ROOM, |items| items == [message(2)]).await;
}
