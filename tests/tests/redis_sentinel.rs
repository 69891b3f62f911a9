//! Sentinels name another server: both connections follow.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod redis_support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jstack_runtime::Redis;
use jstack_runtime::broker::Scope;
use redis_support::fake::Fake;
use redis_support::oracle::check;
use redis_support::sentinel::Sentinels;
use redis_support::{Process, Server, message, text, until};
use tokio::time::sleep;

const ROOM: Scope<'static> = Scope::Room("general");

/// Two servers and three Sentinels, and two processes that find them by the Sentinels.
async fn survive(fail: impl FnOnce(&mut Server, &Sentinels)) {
    let mut master = Server::start();
    let port = master.port.to_string();
    let replica = Server::start_with(&["--replicaof", "127.0.0.1", &port]);
    let sentinels = Sentinels::start(&master, Duration::from_secs(1)).await;
    let url = sentinels.url();
    let process = || Process::new(Arc::new(Redis::new(&url).unwrap()));
    let (here, there) = (process(), process());
    here.join(ROOM).await.unwrap();
    there.join(ROOM).await.unwrap();

    fail(&mut master, &sentinels);

    let now = replica.port.to_string();
    let (mut taken, mut n, mut promoted) = (BTreeSet::new(), 0, None);
    loop {
        if here.publish(ROOM, &text(n)).await.is_ok() {
            taken.insert(n);
        }
        n += 1;
        if promoted.is_none() && replica.cli(&["role"]).starts_with("master") {
            promoted = Some(Instant::now());
        }
        // Both connections of both processes are at the new server.
        if let Some(since) = promoted {
            let moved = here.broker.trouble().is_none()
                && there.broker.trouble().is_none()
                && replica
                    .cli(&["pubsub", "numsub", "jstack:post/chat:room:general"])
                    .trim_end()
                    .ends_with('2');
            if moved {
                println!("both are there {} ms after the promotion", since.elapsed().as_millis());
                break;
            }
            assert!(since.elapsed() < Duration::from_secs(3), "not all moved to {now}");
        }
        sleep(Duration::from_millis(5)).await;
    }
    here.publish(ROOM, &text(n)).await.unwrap();
    taken.insert(n);
    for process in [&here, &there] {
        let heard = process.rooms.until(ROOM, |items| items.contains(&message(n))).await;
        check(&heard, &taken, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn the_master_dies() {
    survive(|master, _| master.kill()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn the_master_hands_over() {
    survive(|_, sentinels| assert!(sentinels.fail_over())).await;
}

/// A Sentinel that names the server at this port, until it hangs.
async fn named(port: u16, hangs: &Arc<AtomicBool>) -> Fake {
    let hangs = hangs.clone();
    Fake::start(move |args| match args[0].as_str() {
        _ if hangs.load(Ordering::Acquire) => Some(Vec::new()),
        "SENTINEL" => {
            let port = port.to_string();
            let host = "*2\r\n$9\r\n127.0.0.1\r\n";
            Some(format!("{host}${}\r\n{port}\r\n", port.len()).into_bytes())
        }
        _ => None,
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_that_hang_delay_nothing_and_cost_no_connection() {
    let master = Fake::start(|_| None).await;
    let (hang, works) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
    let mut sentinels = Vec::new();
    for _ in 0..4 {
        sentinels.push(named(master.port, &hang).await);
    }
    sentinels.push(named(master.port, &works).await);
    let hosts: Vec<_> = sentinels.iter().map(|s| format!("127.0.0.1:{}", s.port)).collect();
    let url = format!("redis+sentinel://{}/mymaster", hosts.join(","));
    let redis = Redis::new(&url).unwrap().heartbeat(Duration::from_millis(100));
    let process = Process::new(Arc::new(redis));
    process.join(ROOM).await.unwrap();
    until("it is ready", || process.broker.trouble().is_none()).await;

    let connections = master.accepted();
    let (mut n, mut slowest) = (0, Duration::ZERO);
    for all_hang in [false, true] {
        works.store(all_hang, Ordering::Release);
        let since = Instant::now();
        while since.elapsed() < Duration::from_secs(3) {
            let began = Instant::now();
            process.publish(ROOM, &text(n)).await.unwrap();
            slowest = slowest.max(began.elapsed());
            n += 1;
            sleep(Duration::from_millis(5)).await;
        }
    }
    println!("the slowest of {n} emits took {slowest:?}");
    assert!(slowest < Duration::from_millis(300), "{slowest:?}");
    assert_eq!(master.accepted(), connections, "the connections work, and stay");
    process.rooms.until(ROOM, |items| items.contains(&message(n - 1))).await;
}
