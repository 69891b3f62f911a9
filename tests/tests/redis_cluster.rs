//! A cluster whose slots move and whose masters die: nothing is lost silently, nobody stays deaf.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod redis_support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jstack_runtime::broker::Scope;
use jstack_runtime::{Emitter, Redis};
use redis_support::churn::churn;
use redis_support::cluster::Cluster;
use redis_support::oracle::{Publishing, check, is_from, number};
use redis_support::{Item, Process, Server, message, reason, text};
use tokio::time::sleep;

const ROOM: Scope<'static> = Scope::Room("general");
const CHANNEL: &str = "jstack:post/chat:room:general";
/// What the issue allows for being back after the failover is over.
const BACK: Duration = Duration::from_secs(2);

/// Two processes in the room, and one of them publishes.
async fn two(cluster: &Cluster) -> (Arc<Process>, Process, Publishing) {
    let (here, there) = (Arc::new(Process::cluster(cluster)), Process::cluster(cluster));
    here.join(ROOM).await.unwrap();
    there.join(ROOM).await.unwrap();
    let publishing = Publishing::start(&here, ROOM);
    let some = |items: &[Item]| items.len() >= 50;
    tokio::join!(here.rooms.until(ROOM, some), there.rooms.until(ROOM, some));
    (here, there, publishing)
}

/// Ends the publishing, and compares what both heard with it. Returns how many gaps were reported
/// to each.
async fn judge(here: &Process, there: &Process, publishing: Publishing) -> [usize; 2] {
    let gaps = publishing.judge(ROOM, [here, there]).await;
    let since = Instant::now();
    while let Some(trouble) = here.broker.trouble().or_else(|| there.broker.trouble()) {
        assert!(since.elapsed() < BACK, "{trouble}");
        sleep(Duration::from_millis(10)).await;
    }
    gaps
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_live_room_moves_with_its_slot() {
    let cluster = Cluster::start();
    let (here, there, publishing) = two(&cluster).await;
    let (slot, mut from) = cluster.carrier(0, CHANNEL);
    for n in 0..6 {
        let to = (from + 1) % 3;
        tokio::task::block_in_place(|| cluster.move_slot(slot, from, to));
        let back = publishing.until_heard(ROOM, [&here, &there]).await;
        println!("move {n}: both hear again after {} ms", back.as_millis());
        assert!(back <= BACK, "it took {back:?}");
        from = to;
    }
    // Six moves without a pause, each under the feet of the one before.
    for _ in 0..6 {
        let to = (from + 1) % 3;
        tokio::task::block_in_place(|| cluster.move_slot(slot, from, to));
        from = to;
    }
    let back = publishing.until_heard(ROOM, [&here, &there]).await;
    println!("six moves: both hear again after {} ms", back.as_millis());
    assert!(back <= BACK, "it took {back:?}");
    let gaps = judge(&here, &there, publishing).await;
    assert!(gaps[0] >= 6 && gaps[1] >= 6, "who was moved may have missed something: {gaps:?}");
    assert_eq!(cluster.subscribed(), [(CHANNEL.to_owned(), 2)], "and nowhere else");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_room_that_many_publish_to_keeps_its_order_while_it_moves() {
    const PUBLISHERS: u64 = 32;
    const EACH: u64 = 1_000_000;
    let cluster = Cluster::start();
    let (here, there) = (Arc::new(Process::cluster(&cluster)), Process::cluster(&cluster));
    here.join(ROOM).await.unwrap();
    there.join(ROOM).await.unwrap();
    let moving = Arc::new(AtomicBool::new(true));
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| {
            let (here, moving) = (here.clone(), moving.clone());
            tokio::spawn(async move {
                let (mut taken, mut n) = (BTreeSet::new(), 0);
                while moving.load(Ordering::Relaxed) {
                    if here.publish(ROOM, &text(publisher * EACH + n)).await.is_ok() {
                        taken.insert(n);
                    }
                    n += 1;
                }
                taken
            })
        })
        .collect();
    let (slot, mut from) = cluster.carrier(0, CHANNEL);
    tokio::task::block_in_place(|| {
        for _ in 0..12 {
            let to = (from + 1) % 3;
            cluster.move_slot(slot, from, to);
            from = to;
        }
    });
    moving.store(false, Ordering::Relaxed);
    let mut taken = Vec::new();
    for publisher in publishers {
        taken.push(publisher.await.unwrap());
    }
    let all: usize = taken.iter().map(BTreeSet::len).sum();
    assert!(taken.iter().all(|taken| taken.len() > 50), "everybody went on: {all}");
    // One that comes after all others shows that they were heard, or never will be; it is repeated,
    // since who is just moving misses it.
    let (since, after) = (Instant::now(), PUBLISHERS * EACH);
    let is_after = |items: &[Item]| items.iter().any(|item| is_from(item, after));
    for n in after.. {
        let _ = here.publish(ROOM, &text(n)).await;
        if is_after(&here.rooms.items(ROOM)) && is_after(&there.rooms.items(ROOM)) {
            break;
        }
        assert!(since.elapsed() < BACK, "both hear again");
        sleep(Duration::from_millis(5)).await;
    }
    let (first, second) = (here.rooms.items(ROOM), there.rooms.items(ROOM));
    for heard in [&first, &second] {
        for (publisher, taken) in (0..).zip(&taken) {
            let of_publisher: Vec<_> = heard
                .iter()
                .filter_map(|item| match item {
                    Item::Gap(missing) => Some(Item::Gap(*missing)),
                    Item::Message(it) => {
                        let n = number(it);
                        (n / EACH == publisher).then(|| message(n % EACH))
                    }
                })
                .collect();
            check(&of_publisher, taken, 0);
        }
    }
    println!("{all} messages of {PUBLISHERS} publishers taken, {} heard", first.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn the_master_of_a_room_dies_and_its_replica_takes_over() {
    let mut cluster = Cluster::start();
    let (here, there, publishing) = two(&cluster).await;
    let (_, dead) = cluster.carrier(0, CHANNEL);
    let asked = (dead + 1) % 3;
    cluster.servers[dead].kill();
    let killed = Instant::now();
    // Until a replica has taken over, nothing that is published is heard: every emit says so.
    let since = Instant::now();
    while here.publish(ROOM, &text(u64::MAX)).await.is_ok() {
        assert!(since.elapsed() < Duration::from_millis(500), "who is dead takes nothing");
    }
    assert!(here.broker.trouble().is_some(), "and readiness too");
    while cluster.carrier(asked, CHANNEL).1 == dead {
        assert!(killed.elapsed() < Duration::from_secs(20), "no replica took over");
        sleep(Duration::from_millis(5)).await;
    }
    println!("a replica took over after {} ms", killed.elapsed().as_millis());
    let back = publishing.until_heard(ROOM, [&here, &there]).await;
    println!("both hear again {} ms after that", back.as_millis());
    assert!(back <= BACK, "it took {back:?}");

    // The old master comes back as a replica, and later is promoted again by a command.
    cluster.servers[dead].run();
    let since = Instant::now();
    while !cluster.servers[dead].cli(&["role"]).contains("connected") {
        assert!(since.elapsed() < Duration::from_secs(20), "it follows the new master");
        sleep(Duration::from_millis(20)).await;
    }
    // Redis gives a hand-over up if its servers do not agree within 5 s, and says so to nobody.
    let mut asked_for = None::<Instant>;
    while cluster.carrier(asked, CHANNEL).1 != dead {
        if asked_for.is_none_or(|at| at.elapsed() > Duration::from_secs(1)) {
            cluster.servers[dead].cli(&["cluster", "failover"]);
            asked_for = Some(Instant::now());
        }
        assert!(since.elapsed() < Duration::from_secs(20), "it takes over again");
        sleep(Duration::from_millis(5)).await;
    }
    let back = publishing.until_heard(ROOM, [&here, &there]).await;
    println!("both hear again {} ms after the hand-over", back.as_millis());
    assert!(back <= BACK, "it took {back:?}");
    let gaps = judge(&here, &there, publishing).await;
    assert!(gaps[0] >= 2 && gaps[1] >= 2, "{gaps:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_master_that_is_silent_is_left_for_its_replica() {
    let cluster = Cluster::start();
    let (here, there, publishing) = two(&cluster).await;
    let (_, silent) = cluster.carrier(0, CHANNEL);
    let asked = (silent + 1) % 3;
    cluster.servers[silent].signal("STOP");
    let since = Instant::now();
    while cluster.carrier(asked, CHANNEL).1 == silent {
        assert!(since.elapsed() < Duration::from_secs(20), "no replica took over");
        sleep(Duration::from_millis(5)).await;
    }
    println!("a replica took over after {} ms", since.elapsed().as_millis());
    let back = publishing.until_heard(ROOM, [&here, &there]).await;
    println!("both hear again {} ms after that", back.as_millis());
    assert!(back <= BACK, "it took {back:?}");
    // It wakes up and does not know yet that it is master no more.
    cluster.servers[silent].signal("CONT");
    let back = publishing.until_heard(ROOM, [&here, &there]).await;
    assert!(back <= BACK, "it took {back:?}");
    sleep(Duration::from_secs(1)).await;
    let gaps = judge(&here, &there, publishing).await;
    assert!(gaps[0] > 0 && gaps[1] > 0, "{gaps:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn after_many_rooms_of_joins_leaves_and_moves_the_cluster_sends_what_is_wanted() {
    const ROOMS: usize = 2_000;
    const TASKS: usize = 10;
    const MOVES: usize = 30;
    let cluster = Cluster::start();
    let process = Arc::new(Process::cluster(&cluster));
    process.join(ROOM).await.unwrap();
    let moving = Arc::new(AtomicBool::new(true));
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let (process, moving) = (process.clone(), moving.clone());
            let step = Duration::from_millis(1);
            tokio::spawn(churn(process, task, ROOMS / TASKS, step, moving))
        })
        .collect();
    // Meanwhile slots of rooms move, so that what ended comes between questions and answers.
    tokio::task::block_in_place(|| {
        for n in 0..MOVES {
            let room = format!("jstack:post/chat:room:{}.{n}", n % TASKS);
            let (slot, from) = cluster.carrier(0, &room);
            cluster.move_slot(slot, from, (from + 1) % 3);
        }
    });
    moving.store(false, Ordering::Relaxed);
    let mut wanted = vec![(CHANNEL.to_owned(), 1)];
    for task in tasks {
        wanted.extend(task.await.unwrap().into_iter().map(|name| (name, 1)));
    }
    wanted.sort();
    println!("{} rooms left after joins, leaves and {MOVES} moves", wanted.len());
    let since = Instant::now();
    while cluster.subscribed() != wanted {
        assert!(since.elapsed() < Duration::from_secs(10), "{}", cluster.subscribed().len());
        sleep(Duration::from_millis(100)).await;
    }
    println!("what is subscribed to is what is wanted {} ms later", since.elapsed().as_millis());
    // Two connections to each master, and one that asks from time to time.
    for server in &cluster.servers[..3] {
        let list = server.cli(&["client", "list"]);
        let ours = list.lines().filter(|line| line.contains("resp=3")).count();
        assert!((2..=3).contains(&ours), "{list}");
    }
    for (name, _) in wanted.iter().step_by(wanted.len() / 20) {
        let room = Scope::Room(name.strip_prefix("jstack:post/chat:room:").unwrap());
        process.publish(room, &text(1)).await.unwrap();
        process.rooms.until(room, |items| items.last() == Some(&message(1))).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn an_address_of_the_wrong_kind_is_refused_with_the_right_one() {
    let cluster = Cluster::start();
    let one = Redis::new(&cluster.servers[0].url()).unwrap();
    let error = Process::new(Arc::new(one)).publish(ROOM, &text(1)).await.unwrap_err();
    assert!(reason(&error).contains("write `redis+cluster://` into REDIS_URL"), "{error}");

    let server = Server::start();
    let url = format!("redis+cluster://127.0.0.1:{}", server.port);
    let process = Process::new(Arc::new(Redis::new(&url).unwrap()));
    let error = process.join(ROOM).await.unwrap_err();
    assert!(reason(&error).contains("write `redis://` into REDIS_URL"), "{error}");
    assert!(process.broker.trouble().unwrap().contains("write `redis://`"));

    // What a user needs there, and a program that serves nothing.
    let rules = "acl setuser app on >s3cret resetchannels &jstack:* -@all +ssubscribe \
                 +sunsubscribe +spublish +ping +hello +cluster|info +cluster|slots";
    for server in &cluster.servers {
        let rules: Vec<_> = rules.split_whitespace().collect();
        assert_eq!(server.cli(&rules).trim(), "OK");
    }
    let url = cluster.url().replace("://", "://app:s3cret@");
    let app = Process::new(Arc::new(Redis::new(&url).unwrap()));
    app.join(ROOM).await.unwrap();
    let emitter = Emitter::connect(&url).await.unwrap();
    drop(emitter);
    app.publish(ROOM, &text(1)).await.unwrap();
    cluster.servers[cluster.carrier(0, CHANNEL).1].cli(&["spublish", CHANNEL, "[\"n\",2]"]);
    app.rooms.until(ROOM, |items| items == [message(1), message(2)]).await;
}
