//! Many rooms: what Redis is subscribed to is what is wanted, by two connections.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod redis_support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use jstack_runtime::broker::{Publication, Scope};
use redis_support::churn::churn;
use redis_support::{Item, Process, Server, message, reason, text};
use tokio::time::sleep;

const ROOM: Scope<'static> = Scope::Room("general");

/// The rooms that Redis sends to anybody.
fn subscribed(server: &Server) -> BTreeSet<String> {
    let channels = server.cli(&["pubsub", "channels", "jstack:post/chat:room:*"]);
    channels.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn after_10_000_rooms_of_joins_and_leaves_redis_sends_what_is_wanted() {
    const ROOMS: usize = 10_000;
    const TASKS: usize = 20;
    let server = Server::start();
    let process = Arc::new(Process::redis(&server));
    let since = Instant::now();
    // Each task has rooms of its own, so that who is in which is known at the end.
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let still = Arc::new(AtomicBool::new(false));
            tokio::spawn(churn(process.clone(), task, ROOMS / TASKS, Duration::ZERO, still))
        })
        .collect();
    let mut wanted = BTreeSet::new();
    for task in tasks {
        wanted.extend(task.await.unwrap());
    }
    println!(
        "{} joins and leaves in {:?}, {} rooms left",
        ROOMS * 4,
        since.elapsed(),
        wanted.len()
    );
    let until = Instant::now() + Duration::from_secs(10);
    while subscribed(&server) != wanted {
        assert!(Instant::now() < until, "{} are subscribed to", subscribed(&server).len());
        sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(server.connections().len(), 2, "{:?}", server.connections());

    // A blip with that many rooms.
    let since = Instant::now();
    server.cli(&["client", "kill", "type", "pubsub"]);
    while subscribed(&server) != wanted {
        assert!(since.elapsed() < Duration::from_secs(2), "{}", subscribed(&server).len());
        sleep(Duration::from_millis(5)).await;
    }
    println!("{} rooms subscribed to again after {:?}", wanted.len(), since.elapsed());
    let one = wanted.first().unwrap().strip_prefix("jstack:post/chat:room:").unwrap();
    let one = Scope::Room(one);
    process.publish(one, &text(1)).await.unwrap();
    let heard = process.rooms.until(one, |items| items.contains(&message(1))).await;
    assert_eq!(heard, [Item::Gap(None), message(1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_room_that_is_left_and_joined_again_costs_redis_nothing() {
    let server = Server::start();
    let process = Process::redis(&server);
    process.join(ROOM).await.unwrap();
    for _ in 0..100 {
        process.leave(ROOM);
        process.join(ROOM).await.unwrap();
    }
    let stats = server.cli(&["info", "commandstats"]);
    let of = |command: &str| {
        let line = stats.lines().find(|line| line.starts_with(&format!("cmdstat_{command}:")));
        line.and_then(|line| line.split(['=', ',']).nth(1)?.parse::<u64>().ok()).unwrap_or(0)
    };
    // Its own channel for signs of life, and the room.
    assert_eq!((of("subscribe"), of("unsubscribe")), (2, 0), "{stats}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn what_other_programs_publish_is_heard_and_what_is_malformed_is_not() {
    let server = Server::start();
    let process = Process::redis(&server);
    process.join(ROOM).await.unwrap();
    let channel = "jstack:post/chat:room:general";
    for bad in
        ["hello", "", "[]", "[\"a\"]", "[\"onError\",1]", "\u{1}\u{ff}", "[\"a\",1", "\u{2}rest"]
    {
        assert_eq!(server.cli(&["publish", channel, bad]).trim(), "1", "{bad}");
    }
    server.cli(&["publish", channel, "[\"n\",7]"]);
    let heard = process.rooms.until(ROOM, |items| !items.is_empty()).await;
    assert_eq!(heard, [message(7)]);
}

/// An envelope by the documentation alone, as another program would write it.
fn envelope(origin: u64, number: u64, json: &str) -> String {
    let mut bytes = vec![1, 0];
    bytes.extend(origin.to_be_bytes());
    bytes.extend(number.to_be_bytes());
    bytes.extend(json.as_bytes());
    bytes.iter().map(|byte| format!("\\{byte:03}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_hole_in_the_numbers_of_an_origin_is_a_gap_and_a_repeated_number_is_dropped() {
    let server = Server::start();
    let process = Process::redis(&server);
    process.join(ROOM).await.unwrap();
    let mut script = String::new();
    for (origin, number) in [(5, 1), (5, 2), (6, 9), (5, 5), (5, 4), (6, 10), (5, 6)] {
        let json = text(origin * 100 + number).replace('"', "\\\"");
        let envelope = envelope(origin, number, "");
        script.push_str(&format!("redis.call('publish', KEYS[1], \"{envelope}{json}\") "));
    }
    let done = server.cli(&["eval", &script, "1", "jstack:post/chat:room:general"]);
    assert!(!done.contains("ERR"), "{done}");
    let heard = process.rooms.until(ROOM, |items| items.contains(&message(506))).await;
    let expected = [
        message(501),
        message(502),
        message(609),
        Item::Gap(Some(2)),
        message(505),
        message(610),
        message(506),
    ];
    assert_eq!(heard, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn two_prefixes_on_one_redis_never_meet() {
    let server = Server::start();
    let shop = jstack_runtime::Redis::new(&server.url()).unwrap().prefix("shop");
    let shop = Process::new(Arc::new(shop));
    let other = Process::redis(&server);
    shop.join(ROOM).await.unwrap();
    other.join(ROOM).await.unwrap();
    shop.publish(ROOM, &text(1)).await.unwrap();
    other.publish(ROOM, &text(2)).await.unwrap();
    shop.rooms.until(ROOM, |items| items == [message(1)]).await;
    other.rooms.until(ROOM, |items| items == [message(2)]).await;
}

/// CVE-2023-35391 (SignalR): messages on the backplane for some clients reached others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn what_is_for_one_room_is_heard_in_no_other_whatever_they_are_called() {
    let server = Server::start();
    let here = Process::redis(&server);
    let there = Process::redis(&server);
    let foreign = Process::redis(&server).of("post/other");
    let rooms =
        ["general", "*", "gener?l", "[a-z]*", "general:*", "general:x", "%67eneral", "GENERAL"];
    for room in rooms {
        here.join(Scope::Room(room)).await.unwrap();
    }
    foreign.join(ROOM).await.unwrap();
    for (n, room) in rooms.into_iter().enumerate() {
        there.publish(Scope::Room(room), &text(n as u64)).await.unwrap();
    }
    foreign.publish(ROOM, &text(100)).await.unwrap();
    // Each room's last message, so that all before it have come.
    for room in rooms {
        there.publish(Scope::Room(room), &text(200)).await.unwrap();
    }
    for (n, room) in rooms.into_iter().enumerate() {
        let heard =
            here.rooms.until(Scope::Room(room), |items| items.contains(&message(200))).await;
        assert_eq!(heard, [message(n as u64), message(200)], "{room}");
    }
    let heard = foreign.rooms.until(ROOM, |items| !items.is_empty()).await;
    assert_eq!(heard, [message(100)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn an_acl_user_needs_only_what_is_documented_and_a_wrong_password_is_said() {
    let server = Server::start();
    let rules = [
        "acl",
        "setuser",
        "app",
        "on",
        ">s3cret",
        "resetchannels",
        "&jstack:*",
        "-@all",
        "+subscribe",
        "+unsubscribe",
        "+publish",
        "+hello",
    ];
    assert_eq!(server.cli(&rules).trim(), "OK");
    let as_user = |password: &str, prefix: &str| {
        // Pub/Sub knows no databases, so none is selected.
        let url = format!("redis://app:{password}@127.0.0.1:{}/2", server.port);
        Process::new(Arc::new(jstack_runtime::Redis::new(&url).unwrap().prefix(prefix)))
    };
    let app = as_user("s3cret", "jstack");
    app.join(ROOM).await.unwrap();
    app.publish(ROOM, &text(1)).await.unwrap();
    app.rooms.until(ROOM, |items| items == [message(1)]).await;

    let wrong = as_user("wrong", "jstack");
    let error = wrong.join(ROOM).await.unwrap_err();
    assert!(reason(&error).contains("refuses the user name or password"), "{error}");

    let elsewhere = as_user("s3cret", "other");
    let error = elsewhere.publish(ROOM, &text(1)).await.unwrap_err();
    assert!(reason(&error).contains("`&<prefix>:*`"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_unix_socket_serves_as_well() {
    let path = std::env::temp_dir().join(format!("jstack-{}.sock", std::process::id()));
    let server = Server::start_with(&["--unixsocket", path.to_str().unwrap()]);
    let url = format!("unix://{}", path.display());
    let process = Process::new(Arc::new(jstack_runtime::Redis::connect(&url).await.unwrap()));
    process.join(ROOM).await.unwrap();
    process.publish(ROOM, &text(1)).await.unwrap();
    process.rooms.until(ROOM, |items| items == [message(1)]).await;
    drop(server);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn messages_that_come_faster_than_they_are_delivered_are_a_gap() {
    use std::sync::Mutex;

    use jstack_runtime::Redis;
    use jstack_runtime::broker::{Broker, Channel, Sink};

    /// Blocks until it is let go, and counts.
    #[derive(Default)]
    struct Slow {
        gate: Mutex<()>,
        heard: Mutex<(u64, u64)>,
    }

    impl Sink for Slow {
        fn deliver(&self, _: &Publication<'_>) {
            // A blocked worker may be the one that polls the sockets: Redis would never answer.
            let _gate = tokio::task::block_in_place(|| self.gate.lock());
            self.heard.lock().unwrap().0 += 1;
        }

        fn gap(&self, _: Channel<'_>, messages: Option<u64>) {
            self.heard.lock().unwrap().1 += messages.unwrap();
        }
    }

    const MESSAGES: u64 = 300;
    let server = Server::start();
    let redis = Redis::new(&server.url()).unwrap().deadline(Duration::from_secs(20));
    let (redis, slow) = (Arc::new(redis), Arc::new(Slow::default()));
    let channel = Channel { procedure: "post/chat", scope: ROOM };
    redis.subscribe(channel, slow.clone()).await.unwrap();
    let json = format!("[\"n\",\"{}\"]", "x".repeat(1 << 20));
    {
        let _closed = tokio::task::block_in_place(|| slow.gate.lock().unwrap());
        for _ in 0..MESSAGES {
            let mut scratch = Vec::new();
            let message = Publication::new(channel, json.as_bytes(), &mut scratch);
            let publish = redis.publish(&[message], &*slow).into_future();
            tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(publish))
                .unwrap();
        }
    }
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let (heard, lost) = *slow.heard.lock().unwrap();
        if heard + lost == MESSAGES {
            assert!(lost > 0, "nothing was too much");
            break;
        }
        assert!(Instant::now() < until, "{heard} heard and {lost} reported as lost, of {MESSAGES}");
        sleep(Duration::from_millis(20)).await;
    }
}
