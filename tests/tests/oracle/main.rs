//! The oracle: nothing is lost silently, nothing comes twice, and there is one order.
//!
//! Several processes share a Redis with a replica and Sentinels. Clients of the profile v1 (the Rust client) and stock clients
//! hear rooms with history, while everything that can fail fails at random. At the end all that was
//! heard is compared: see `verdict.rs` for the rules.
//!
//! Some variables change a run: `JSTACK_ORACLE_SECONDS` (30), `JSTACK_ORACLE_SEED` (1),
//! `JSTACK_ORACLE_CLIENTS` (24, a quarter of them stock clients), and `JSTACK_ORACLE_NPM` (9 npm clients, in a
//! test with 8 others). The long run is
//! `JSTACK_ORACLE_SECONDS=600 JSTACK_ORACLE_CLIENTS=80 cargo test -p jstack-tests --all-features
//! --test oracle -- --ignored through_redis --nocapture`.

#![allow(
    unreachable_pub,
    missing_docs,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "tests"
)]

#[path = "../redis_support/mod.rs"]
mod redis_support;

mod app;
mod clients;
mod deployment;
mod faults;
mod forged;
mod npm;
mod verdict;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clients::{Clients, Heard, Log, World};
use faults::{Faults, LoggedGap};
use jstack_runtime::{App, Emitter};
use redis_support::Random;
use tokio::time::sleep;
use verdict::Verdict;

fn setting(name: &str, default: u64) -> u64 {
    let text = std::env::var(format!("JSTACK_ORACLE_{name}")).ok();
    text.map_or(default, |text| text.parse().expect("a number"))
}

/// Publishes at random until the time is over, while `fail` does its worst.
async fn run(world: &Arc<World>, mut fail: impl AsyncFnMut(&mut Random)) {
    let seconds = setting("SECONDS", 30);
    let mut random = Random(setting("SEED", 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let publishing = (0..2).map(|n| world.publish_at_random(random.below(1 << 30) as u64 + n));
    let publishing: Vec<_> = publishing.collect();
    let until = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < until {
        sleep(Duration::from_millis(500 + random.below(2_000) as u64)).await;
        fail(&mut random).await;
    }
    world.over.store(true, Ordering::Release);
    for publisher in publishing {
        publisher.await.unwrap();
    }
}

fn judge(world: &World, logs: &[Log], logged: &[LoggedGap]) -> Verdict {
    let published = world.published.lock().unwrap();
    let verdict = verdict::judge(&published, world.first.load(Ordering::Relaxed), logs, logged);
    println!("{} published: {verdict:?}", published.len());
    let Verdict { taken, heard, .. } = verdict;
    assert!(taken > 50 && heard > taken, "something was going on");
    verdict
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn through_redis_every_client_hears_everything_once_and_in_order_or_learns_of_a_gap() {
    let mut faults = Faults::start().await;
    let emitter = Emitter::connect(&faults.redis.url()).await.unwrap();
    let world = World::new(emitter.io::<app::talk::Procedure>("post/talk"));
    let clients =
        Clients::start(&world, &faults.addresses(), setting("CLIENTS", 24) as usize).await;
    run(&world, async |random| faults.one(random, &clients).await).await;
    faults.heal().await;
    clients.settle(&world).await;
    judge(&world, &clients.end().await, &faults.gaps());
    println!("faults: {:?}", faults.counts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server and Node"]
async fn through_redis_the_npm_client_hears_what_the_others_hear() {
    let mut faults = Faults::start().await;
    let emitter = Emitter::connect(&faults.redis.url()).await.unwrap();
    let world = World::new(emitter.io::<app::talk::Procedure>("post/talk"));
    let ports = faults.addresses();
    let npm = npm::start(&world, &ports, setting("NPM", 9) as usize).await;
    let clients = Clients::start_with(&world, &ports, 8, npm).await;
    run(&world, async |random| faults.one(random, &clients).await).await;
    faults.heal().await;
    clients.settle(&world).await;
    let logs = clients.end().await;
    judge(&world, &logs, &faults.gaps());
    for (n, log) in logs.iter().enumerate().skip(8) {
        let heard = log.heard.iter().filter(|heard| matches!(heard, Heard::Said { .. })).count();
        assert!(heard > 50, "npm client {n} heard {heard} messages");
    }
    println!("faults: {:?}", faults.counts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: takes a while"]
async fn embedded_every_client_hears_everything_once_and_in_order() {
    let app = app::app(App::new());
    let io = app.io::<app::talk::Procedure>();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(app.serve_on_until(listener, std::future::pending()));
    let relay = redis_support::lossy::Lossy::plain(port).await;
    let world = World::new(io);
    let clients = Clients::start(&world, &[relay.port], setting("CLIENTS", 24) as usize).await;
    let mut cuts = [0, 0];
    run(&world, async |random| {
        let is_all = random.below(4) == 0;
        if is_all {
            relay.cut();
        } else {
            clients.cut_one(random);
        }
        cuts[usize::from(is_all)] += 1;
    })
    .await;
    println!("cut off: one client {} times, all clients {} times", cuts[0], cuts[1]);
    clients.settle(&world).await;
    let verdict = judge(&world, &clients.end().await, &[]);
    assert_eq!(verdict.gaps, 0, "one process keeps everything");
}
