//! What every broker must do, whatever carries the messages: one suite for all of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod redis_support;

use std::sync::Arc;

use jstack_runtime::broker::{Broker, Channel, Publication, Scope};
use jstack_runtime::{Memory, Redis, SocketId};
use redis_support::cluster::Cluster;
use redis_support::{Item, Process, Random, Server, message, text, until};

/// Processes that share a broker: for the embedded one there is only one.
trait Setting: Sync {
    fn process(&self) -> Process;
    /// Another one, or none.
    fn other(&self) -> Option<Process>;
}

struct Embedded;

impl Setting for Embedded {
    fn process(&self) -> Process {
        Process::new(Arc::new(Memory::new()))
    }

    fn other(&self) -> Option<Process> {
        None
    }
}

struct OnRedis(Server);

impl Setting for OnRedis {
    fn process(&self) -> Process {
        Process::redis(&self.0)
    }

    fn other(&self) -> Option<Process> {
        Some(Process::redis(&self.0))
    }
}

struct OnCluster(Cluster);

impl Setting for OnCluster {
    fn process(&self) -> Process {
        Process::cluster(&self.0)
    }

    fn other(&self) -> Option<Process> {
        Some(Process::cluster(&self.0))
    }
}

/// One test for each behaviour and broker.
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

        /// One cluster for all of them, since it takes its time to form; each behaviour has new
        /// processes, and starts when those before it are gone.
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        #[ignore = "run by ./check: needs redis-server"]
        async fn redis_cluster() {
            let setting = OnCluster(Cluster::start());
            $(
                println!(stringify!($behaviour));
                $behaviour(&setting).await;
            )*
        }
    };
}

conformance! {
    what_is_published_after_a_subscribe_is_heard
    rooms_and_procedures_never_meet
    every_member_hears_one_order
    messages_of_one_publish_stay_in_order
    exceptions_and_addressees_travel_along
    who_left_hears_nothing_and_who_joins_again_does
    the_last_of_joins_and_leaves_counts
    a_subscribe_that_is_dropped_leaves_others_alone
    subscribing_twice_is_subscribing_once
    two_sinks_of_one_channel_both_hear_until_each_leaves
    a_large_message_arrives_whole
    nothing_is_wrong_with_a_broker_that_works
}

const ROOM: Scope<'static> = Scope::Room("general");

async fn what_is_published_after_a_subscribe_is_heard(setting: &dyn Setting) {
    let here = setting.process();
    let there = setting.other();
    for process in [Some(&here), there.as_ref()].into_iter().flatten() {
        for scope in [ROOM, Scope::All, Scope::Node(u64::MAX)] {
            process.join(scope).await.unwrap();
            here.publish(scope, &text(1)).await.unwrap();
            process.rooms.until(scope, |items| items.last() == Some(&message(1))).await;
        }
    }
}

async fn rooms_and_procedures_never_meet(setting: &dyn Setting) {
    let long = "{x}*".repeat(50);
    let names = [
        "a",
        "a,b",
        "../flushall",
        "{x}",
        "*",
        "[a-z]",
        "all",
        ":all",
        "%61",
        "ä 🎉 \"",
        &long,
        "A",
    ];
    let here = setting.process();
    let there = setting.other().unwrap_or_else(|| setting.process()).of("post/chat:all");
    for name in names {
        here.join(Scope::Room(name)).await.unwrap();
        there.join(Scope::Room(name)).await.unwrap();
    }
    here.join(Scope::All).await.unwrap();
    for (n, name) in (0..).zip(names) {
        here.publish(Scope::Room(name), &text(n)).await.unwrap();
        there.publish(Scope::Room(name), &text(100 + n)).await.unwrap();
    }
    for (n, name) in (0..).zip(names) {
        let heard = here.rooms.until(Scope::Room(name), |items| !items.is_empty()).await;
        assert_eq!(heard, [message(n)], "{name}");
        let heard = there.rooms.until(Scope::Room(name), |items| !items.is_empty()).await;
        assert_eq!(heard, [message(100 + n)], "{name}");
    }
    assert_eq!(here.rooms.items(Scope::All), []);
}

async fn every_member_hears_one_order(setting: &dyn Setting) {
    const EACH: u64 = 500;
    let mut processes = vec![setting.process()];
    processes.extend(setting.other());
    processes.extend(setting.other());
    for process in &processes {
        process.join(ROOM).await.unwrap();
    }
    let processes = Arc::new(processes);
    let mut publishing = Vec::new();
    for publisher in 0..4 {
        let processes = processes.clone();
        publishing.push(tokio::spawn(async move {
            let process = &processes[publisher % processes.len()];
            for n in 0..EACH {
                process.publish(ROOM, &text(publisher as u64 * EACH + n)).await.unwrap();
            }
        }));
    }
    for publisher in publishing {
        publisher.await.unwrap();
    }
    let whole = |items: &[Item]| items.len() as u64 == 4 * EACH;
    let first = processes[0].rooms.until(ROOM, whole).await;
    for process in processes.iter() {
        assert_eq!(process.rooms.until(ROOM, whole).await, first);
    }
    for publisher in 0..4 {
        let range = publisher * EACH..(publisher + 1) * EACH;
        let sent: Vec<_> = range.map(message).collect();
        let heard: Vec<_> = first.iter().filter(|item| sent.contains(item)).cloned().collect();
        assert_eq!(heard, sent, "what one publishes keeps its order");
    }
}

async fn messages_of_one_publish_stay_in_order(setting: &dyn Setting) {
    let here = setting.process();
    here.join(ROOM).await.unwrap();
    for round in 0..50 {
        let texts: Vec<_> = (0..20).map(|n| text(round * 20 + n)).collect();
        let mut buffers = vec![Vec::new(); texts.len()];
        let messages: Vec<_> = texts
            .iter()
            .zip(&mut buffers)
            .map(|(text, buffer)| Publication::new(here.channel(ROOM), text.as_bytes(), buffer))
            .collect();
        here.broker.publish(&messages, &*here.rooms).await.unwrap();
    }
    let heard = here.rooms.until(ROOM, |items| items.len() == 1_000).await;
    assert_eq!(heard, (0..1_000).map(message).collect::<Vec<_>>());
    here.broker.publish(&[], &*here.rooms).await.unwrap();
}

async fn exceptions_and_addressees_travel_along(setting: &dyn Setting) {
    let here = setting.process();
    let node = Scope::Node(7);
    here.join(node).await.unwrap();
    let ids: Vec<SocketId> = (1..4).map(|n| format!("{n:032x}").parse().unwrap()).collect();
    let mut scratch = Vec::new();
    let mut message = Publication::new(here.channel(node), b"[\"n\",1]", &mut scratch);
    let rooms = ["a,b".into(), "ä".into()];
    message.only = Some(ids[0]);
    message.except = &ids[1..];
    message.except_rooms = &rooms;
    here.broker.publish(&[message], &*here.rooms).await.unwrap();
    let heard = here.rooms.until(node, |items| !items.is_empty()).await;
    let parts = format!(
        "[\"n\",1], only {}, except {}, except {}, except room a,b, except room ä",
        ids[0], ids[1], ids[2]
    );
    assert_eq!(heard, [Item::Message(parts)]);
}

async fn who_left_hears_nothing_and_who_joins_again_does(setting: &dyn Setting) {
    let here = setting.process();
    here.join(ROOM).await.unwrap();
    here.publish(ROOM, &text(1)).await.unwrap();
    here.rooms.until(ROOM, |items| items.len() == 1).await;
    here.leave(ROOM);
    here.publish(ROOM, &text(2)).await.unwrap();
    // A room that is heard shows that the one before would have been.
    here.join(Scope::All).await.unwrap();
    here.publish(Scope::All, &text(0)).await.unwrap();
    here.rooms.until(Scope::All, |items| items.len() == 1).await;
    here.join(ROOM).await.unwrap();
    here.publish(ROOM, &text(3)).await.unwrap();
    let heard = here.rooms.until(ROOM, |items| items.contains(&message(3))).await;
    assert_eq!(heard, [message(1), message(3)]);
}

async fn the_last_of_joins_and_leaves_counts(setting: &dyn Setting) {
    let here = setting.process();
    let rooms: Vec<String> = (0..20).map(|n| format!("room {n}")).collect();
    let mut random = Random(42);
    let mut joined = [false; 20];
    for step in 0..2_000 {
        let which = random.below(rooms.len());
        let scope = Scope::Room(&rooms[which]);
        joined[which] = !joined[which];
        if joined[which] {
            here.join(scope).await.unwrap();
            here.publish(scope, &text(step)).await.unwrap();
            here.rooms.until(scope, |items| items.last() == Some(&message(step))).await;
        } else {
            here.leave(scope);
        }
    }
}

async fn a_subscribe_that_is_dropped_leaves_others_alone(setting: &dyn Setting) {
    let here = setting.process();
    for n in 0..100 {
        let channel = Channel { procedure: "post/chat", scope: ROOM };
        drop(here.broker.subscribe(channel, here.rooms.clone()));
        here.join(ROOM).await.unwrap();
        here.publish(ROOM, &text(n)).await.unwrap();
        here.rooms.until(ROOM, |items| items.last() == Some(&message(n))).await;
        here.leave(ROOM);
    }
}

async fn subscribing_twice_is_subscribing_once(setting: &dyn Setting) {
    let here = setting.process();
    here.join(ROOM).await.unwrap();
    here.join(ROOM).await.unwrap();
    here.publish(ROOM, &text(1)).await.unwrap();
    here.publish(ROOM, &text(2)).await.unwrap();
    let heard = here.rooms.until(ROOM, |items| items.contains(&message(2))).await;
    assert_eq!(heard, [message(1), message(2)]);
}

async fn two_sinks_of_one_channel_both_hear_until_each_leaves(setting: &dyn Setting) {
    // Two applications in one program, as far as the broker can tell; the embedded broker has no
    // subscriptions to share, and reaches the sink that it is given.
    let one = setting.process();
    let other = Process::new(one.broker.clone());
    one.join(ROOM).await.unwrap();
    other.join(ROOM).await.unwrap();
    one.leave(ROOM);
    other.publish(ROOM, &text(1)).await.unwrap();
    other.rooms.until(ROOM, |items| items == [message(1)]).await;
    assert_eq!(one.rooms.items(ROOM), []);
}

async fn a_large_message_arrives_whole(setting: &dyn Setting) {
    let here = setting.process();
    here.join(ROOM).await.unwrap();
    let large = format!("[\"n\",\"{}\"]", "ä".repeat(1 << 20));
    here.publish(ROOM, &large).await.unwrap();
    let heard = here.rooms.until(ROOM, |items| !items.is_empty()).await;
    assert!(heard == [Item::Message(large)]);
}

async fn nothing_is_wrong_with_a_broker_that_works(setting: &dyn Setting) {
    let here = setting.process();
    here.join(ROOM).await.unwrap();
    here.publish(ROOM, &text(1)).await.unwrap();
    until("it is ready", || here.broker.trouble().is_none()).await;
    assert!(!here.broker.describe().is_empty());
}

#[test]
fn to_ask_what_is_wrong_connects_nobody() {
    // A runtime to connect in is missing, too.
    let redis = Redis::new("redis://127.0.0.1:1").unwrap();
    assert!(redis.trouble().unwrap().ends_with("not connected yet"));
}

#[test]
fn what_describes_a_broker_has_no_secrets() {
    let redis = Redis::new("redis://me:s3cret@127.0.0.1:1").unwrap();
    assert!(!redis.describe().contains("s3cret") && !format!("{redis:?}").contains("s3cret"));
}
