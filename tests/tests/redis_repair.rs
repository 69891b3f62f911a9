//! What a process misses on the way through Redis is read from the log before anything later is
//! delivered: clients of every profile notice nothing.
#![allow(
    unreachable_pub,
    missing_docs,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a program as users write it, and what is asserted of it"
)]

mod redis_support;

use std::net::SocketAddr;
use std::time::Duration;

use jstack_runtime::Redis;
use jstack_runtime::prelude::*;
use jstack_tests::Client;
use jstack_tests::server::limits;
use redis_support::Server;
use redis_support::lossy::Lossy;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::sleep;

/// The log of the room, as Redis knows it.
const LOG: &str = "{jstack:post/talk:room:room}:log";

#[derive(Clone, Debug, PartialEq, Events)]
pub enum ToServer {
    Say(u64),
    Passing(u64),
    Replay(u32),
    End(()),
}

#[derive(Clone, Debug, PartialEq, Events)]
pub enum ToClient {
    Said(u64),
    #[event(volatile)]
    Passed(u64),
}

#[procedure(ws, incoming = ToServer, outgoing = ToClient, history(100, "5m"))]
pub mod talk {
    use super::*;

    #[connect]
    async fn connect(socket: Socket) -> Result {
        socket.join("room").await
    }

    #[on(Say)]
    async fn say(io: Io, n: u64) -> Result {
        io.to("room").said(&n).await
    }

    #[on(Passing)]
    async fn passing(io: Io, n: u64) -> Result {
        io.to("room").passed(&n).await
    }

    #[on(Replay)]
    async fn replay(socket: Socket, count: u32) -> Result {
        socket.leave("room").await?;
        socket.join("room").replay(count).await
    }

    #[on(End)]
    async fn end(io: Io, _: ()) -> Result {
        io.to("room").close(3000, "the end").await
    }
}

async fn serve(url: &str, limits: Limits) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = App::new().broker(Redis::new(url).unwrap()).mount("post", router![talk]);
    tokio::spawn(app.limits(limits).serve_on_until(listener, std::future::pending()));
    address
}

fn fast() -> Limits {
    Limits { rate: u32::MAX, ..limits() }
}

/// Two processes; Redis' messages to the second go through a proxy.
struct World {
    redis: Server,
    proxy: Lossy,
    /// Speaks in the first process.
    talker: Client,
    v1: Client,
    base: Client,
    there: SocketAddr,
}

impl World {
    async fn start(limits: Limits) -> Self {
        let redis = Server::start();
        let proxy = Lossy::start(redis.port).await;
        let (here, there) = (serve(&redis.url(), fast()).await, serve(&proxy.url(), limits).await);
        let v1 = "sec-websocket-protocol: jstack.v1\r\n";
        let mut talker = Client::open(here, "/api/post/talk", "").await.unwrap();
        let mut v1 = Client::open(there, "/api/post/talk", v1).await.unwrap();
        let mut base = Client::open(there, "/api/post/talk", "").await.unwrap();
        for expected in ["$welcome", "$room", "$room"] {
            assert_eq!(next(&mut v1).await[0], expected);
        }
        // All of them are in the room.
        talker.emit("say", "0").await.unwrap();
        for client in [&mut talker, &mut v1, &mut base] {
            assert_eq!(next(client).await[1], 0);
        }
        Self { redis, proxy, talker, v1, base, there }
    }

    async fn say(&mut self, numbers: impl IntoIterator<Item = u64>) {
        for n in numbers {
            self.talker.emit("say", &n.to_string()).await.unwrap();
            assert_eq!(next(&mut self.talker).await, json!(["said", n]), "published one by one");
        }
    }

    /// The next frames to both clients of the second process are these, and all that comes.
    async fn hear(&mut self, numbers: impl IntoIterator<Item = u64> + Clone) {
        for n in numbers.clone() {
            assert_eq!(next(&mut self.base).await, json!(["said", n]));
        }
        for n in numbers {
            let place = json!({ "r": "room", "o": n + 1 });
            assert_eq!(next(&mut self.v1).await, json!(["said", n, place]));
        }
    }
}

async fn next(client: &mut Client) -> Value {
    loop {
        let text = client.next_text().await;
        let frame: Value = serde_json::from_str(&text)
            .unwrap_or_else(|_| panic!("the connection ended: {text:?}"));
        // After a reconnect: what was for single connections is not kept.
        if frame != json!(["$gap", { "r": null, "reason": "broker" }]) {
            return frame;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn messages_that_are_dropped_between_processes_arrive_in_order_before_the_next() {
    let mut world = World::start(fast()).await;
    for round in 0..10 {
        let first = 1 + round * 5;
        world.proxy.drop_messages(4);
        world.say(first..first + 5).await;
        world.hear(first..first + 5).await;
    }
    assert_eq!(world.proxy.dropped(), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn what_is_published_while_a_process_is_cut_off_arrives_when_it_is_back() {
    let mut world = World::start(fast()).await;
    for round in 0..4 {
        let first = 1 + round * 3;
        if round % 2 == 0 {
            world.proxy.cut();
        } else {
            world.redis.cli(&["client", "kill", "type", "pubsub"]);
        }
        // Nothing follows: the reconnect alone shows that something may be missing.
        for n in first..first + 3 {
            world.talker.emit("say", &n.to_string()).await.unwrap();
        }
        for n in first..first + 3 {
            assert_eq!(next(&mut world.talker).await, json!(["said", n]));
        }
        world.hear(first..first + 3).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn what_the_log_does_not_have_is_a_gap_for_v1_clients() {
    let mut world = World::start(fast()).await;
    world.proxy.drop_messages(3);
    world.say(1..4).await;
    world.redis.cli(&["ltrim", LOG, "-1", "-1"]);
    world.say(4..5).await;
    let top = json!({ "r": "room", "reason": "broker", "missed": 2, "o": 3 });
    let mut gap = next(&mut world.v1).await;
    let epoch = gap[1].as_object_mut().unwrap().remove("e").unwrap();
    assert_eq!(gap, json!(["$gap", top]));
    world.hear(3..5).await;
    // A log that begins again is a gap and another epoch.
    world.redis.cli(&["flushall"]);
    world.say(5..7).await;
    let mut gap = next(&mut world.v1).await;
    let another = gap[1].as_object_mut().unwrap().remove("e").unwrap();
    assert_ne!(another, epoch);
    assert_eq!(gap, json!(["$gap", { "r": "room", "reason": "broker", "o": 0 }]));
    let room = json!(["$room", { "r": "room", "in": true, "e": another, "o": 0 }]);
    assert_eq!(next(&mut world.v1).await, room);
    for n in 5..7 {
        assert_eq!(next(&mut world.base).await, json!(["said", n]));
        let place = json!({ "r": "room", "o": n - 4 });
        assert_eq!(next(&mut world.v1).await, json!(["said", n, place]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn what_is_too_much_for_the_queues_is_left_out_and_v1_clients_fetch_it() {
    let limits = Limits { queue_frames: 16, ..fast() };
    let mut world = World::start(limits).await;
    world.proxy.drop_messages(39);
    world.say(1..41).await;
    for n in 33..41 {
        assert_eq!(next(&mut world.base).await, json!(["said", n]), "half a queue");
        let place = json!({ "r": "room", "o": n + 1 });
        assert_eq!(next(&mut world.v1).await, json!(["said", n, place]), "the hole shows");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn a_close_and_a_replay_wait_for_the_repair() {
    let mut world = World::start(fast()).await;
    world.proxy.drop_messages(2);
    world.say(1..4).await;
    world.hear(1..4).await;
    let mut late = Client::open(world.there, "/api/post/talk", "").await.unwrap();
    world.proxy.drop_messages(2);
    world.say(4..6).await;
    // The process does not know of 4 and 5, and the log does.
    late.emit("replay", "3").await.unwrap();
    sleep(Duration::from_millis(100)).await;
    world.say(6..7).await;
    let mut heard = Vec::new();
    while heard.last() != Some(&json!(6)) {
        heard.push(next(&mut late).await[1].take());
    }
    assert!(heard.ends_with(&[4, 5, 6].map(|n| json!(n))), "{heard:?}");
    assert!(heard.iter().zip(&heard[1..]).all(|(a, b)| a.as_u64() < b.as_u64()), "{heard:?}");
    world.hear(4..7).await;
    world.proxy.drop_messages(2);
    world.say(7..9).await;
    world.talker.emit("end", "null").await.unwrap();
    world.hear(7..9).await;
    assert_eq!(next(&mut world.v1).await[0], "$bye");
}
