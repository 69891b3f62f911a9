//! Rooms that remember: positions, recovery, replay, reading; embedded, and once through Redis.
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

use jstack_runtime::prelude::*;
use jstack_runtime::{Emitter, Redis};
use jstack_tests::Client;
use jstack_tests::server::limits;
use redis_support::Server;
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[derive(Clone, Debug, PartialEq, Events)]
pub enum ToServer {
    Say(String),
    /// To all but the sender.
    Others(String),
    Forgotten(String),
    Join(String),
    Leave(String),
    Replay(u32),
    Clear(()),
}

#[derive(Clone, Debug, PartialEq, Events)]
pub enum ToClient {
    Said(String),
    #[event(forget)]
    Forgotten(String),
    #[event(volatile)]
    Passing(String),
}

#[procedure(ws, incoming = ToServer, outgoing = ToClient, history(5, "5m"))]
pub mod talk {
    use super::*;

    #[on(Say)]
    async fn say(io: Io, text: String) -> Result {
        io.to("room").said(&text).await?;
        io.to("room").passing(&text).await
    }

    #[on(Others)]
    async fn others(io: Io, socket: Socket, text: String) -> Result {
        io.to("room").except(&socket).said(&text).await
    }

    #[on(Forgotten)]
    async fn forgotten(io: Io, text: String) -> Result {
        io.to("room").forgotten(&text).await
    }

    #[on(Join)]
    async fn join(socket: Socket, room: String) -> Result {
        socket.join(room).await
    }

    #[on(Leave)]
    async fn leave(socket: Socket, room: String) {
        socket.leave(room).await.unwrap();
    }

    #[on(Replay)]
    async fn replay(socket: Socket, count: u32) -> Result {
        socket.join("room").replay(count).await
    }

    #[on(Clear)]
    async fn clear(io: Io, _: ()) -> Result {
        io.history("room").clear().await
    }
}

#[procedure(get)]
pub async fn recent(io: Io<talk::Procedure>) -> Result<Vec<String>> {
    let past = io.history("room").last(50).await?;
    Ok(past
        .into_iter()
        .map(|past| format!("{:?} {}", past.event, past.position.offset()))
        .collect())
}

#[procedure(ws, incoming = ToServer, outgoing = ToClient)]
pub async fn without(
    socket: Socket<without::Procedure>,
    mut events: Receiver<without::Procedure>,
) -> Result {
    while events.recv().await?.is_some() {
        let error = socket.join("room").replay(3).await.unwrap_err();
        assert_eq!(error.code(), "internal");
        socket.emit().said("no history").await?;
    }
    Ok(())
}

async fn start() -> SocketAddr {
    serve(App::new()).await
}

async fn serve(app: App) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app
        .mount("post", router![talk, recent, without])
        .limits(Limits { rate: u32::MAX, ..limits() });
    tokio::spawn(app.serve_on_until(listener, std::future::pending()));
    address
}

struct V1 {
    client: Client,
    id: Value,
    epoch: Value,
}

impl V1 {
    async fn open(address: SocketAddr) -> Self {
        let more = "sec-websocket-protocol: jstack.v1\r\n";
        let client = Client::open(address, "/api/post/talk", more).await.unwrap();
        let mut this = Self { client, id: Value::Null, epoch: Value::Null };
        let welcome = this.next().await;
        assert_eq!((&welcome[0], &welcome[1]["history"]), (&json!("$welcome"), &json!(true)));
        this.id = welcome[1]["id"].clone();
        let room = this.next().await;
        assert_eq!(room[0], "$room");
        assert_eq!(
            (&room[1]["r"], &room[1]["in"], &room[1]["o"]),
            (&Value::Null, &json!(true), &json!(0))
        );
        this
    }

    async fn next(&mut self) -> Value {
        let text = self.client.next_text().await;
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("the connection ended: {text:?}"))
    }

    async fn send(&mut self, frame: Value) {
        self.client.text(&frame.to_string()).await.unwrap();
    }

    /// Joins the room; the offset at which that happened.
    async fn join(&mut self) -> u64 {
        self.send(json!(["join", "room"])).await;
        let room = self.next().await;
        assert_eq!((&room[0], &room[1]["r"]), (&json!("$room"), &json!("room")), "{room}");
        self.epoch = room[1]["e"].clone();
        room[1]["o"].as_u64().unwrap()
    }

    async fn history(&mut self, mut ask: Value) -> Value {
        ask["r"] = json!("room");
        self.send(json!(["$history", ask, { "i": "h" }])).await;
        let answer = self.next().await;
        assert_eq!(answer[2], json!({ "i": "h" }), "{answer}");
        answer
    }

    /// What came after an offset, without the times.
    async fn after(&mut self, offset: u64) -> Value {
        let after = json!([self.epoch, offset]);
        let mut answer = self.history(json!({ "after": after })).await;
        assert_eq!(answer[0], "$ok", "{answer}");
        for item in answer[1]["items"].as_array_mut().unwrap() {
            assert!(item[3].as_u64().unwrap() > 1_600_000_000_000);
            item.as_array_mut().unwrap().truncate(3);
        }
        answer[1].take()
    }
}

fn said(text: &str, offset: u64) -> Value {
    json!(["said", text, { "r": "room", "o": offset }])
}

#[tokio::test]
async fn members_learn_the_offset_of_each_message_also_of_those_not_for_them() {
    let address = start().await;
    let (mut one, mut two) = (V1::open(address).await, V1::open(address).await);
    assert_eq!((one.join().await, two.join().await), (0, 0));
    let mut base = Client::open(address, "/api/post/talk", "").await.unwrap();
    base.emit("join", "\"room\"").await.unwrap();
    base.emit("forgotten", "\"joined\"").await.unwrap();
    assert_eq!(base.next_text().await, r#"["forgotten","joined"]"#);
    for client in [&mut one, &mut two] {
        assert_eq!(client.next().await, json!(["forgotten", "joined"]));
    }
    one.send(json!(["say", "a"])).await;
    one.send(json!(["others", "b"])).await;
    one.send(json!(["forgotten", "c"])).await;
    one.send(json!(["say", "d"])).await;
    let at = json!(["$at", { "r": "room", "o": 2 }]);
    let (passing, forgotten) = (|text| json!(["passing", text]), json!(["forgotten", "c"]));
    for expected in [said("a", 1), passing("a"), at, forgotten.clone(), said("d", 3), passing("d")]
    {
        assert_eq!(one.next().await, expected);
    }
    for expected in
        [said("a", 1), passing("a"), said("b", 2), forgotten, said("d", 3), passing("d")]
    {
        assert_eq!(two.next().await, expected);
    }
    for expected in [r#"["said","a"]"#, r#"["passing","a"]"#, r#"["said","b"]"#] {
        assert_eq!(base.next_text().await, expected);
    }
    two.send(json!(["leave", "room"])).await;
    assert_eq!(two.next().await, json!(["$room", { "r": "room", "in": false }]));
}

#[tokio::test]
async fn a_client_reads_what_it_missed_and_what_was_not_for_it_stays_so() {
    let address = start().await;
    let mut talker = V1::open(address).await;
    assert_eq!(talker.join().await, 0);
    for n in 1..=3 {
        talker.send(json!(["others", n.to_string()])).await;
        assert_eq!(talker.next().await, json!(["$at", { "r": "room", "o": n }]));
    }
    let mut late = V1::open(address).await;
    assert_eq!(late.join().await, 3);
    let page = late.after(1).await;
    let items = json!([["said", "2", 2], ["said", "3", 3]]);
    assert_eq!(page, json!({ "e": late.epoch, "o": 3, "more": false, "items": items }));
    // To its sender they stay excluded, also when it comes back under another id.
    let excluded = json!([["", null, 2], ["", null, 3]]);
    assert_eq!(talker.after(1).await["items"], excluded);
    let ask = json!({ "after": [late.epoch, 1], "was": talker.id });
    let answer = late.history(ask).await;
    assert_eq!((&answer[1]["items"][0][0], &answer[1]["items"][1][0]), (&json!(""), &json!("")));
    // Beyond what is kept, and of another epoch.
    for n in 4..=8 {
        talker.send(json!(["others", n.to_string()])).await;
    }
    for n in 4..=8 {
        assert_eq!(late.next().await, said(&n.to_string(), n));
    }
    let page = late.after(1).await;
    assert_eq!((&page["gap"], &page["items"][0]), (&json!("expired"), &json!(["said", "4", 4])));
    let other = late.history(json!({ "after": ["ffffff", 7] })).await;
    assert_eq!((&other[1]["gap"], &other[1]["items"][4][2]), (&json!("reset"), &json!(8)));
    // Pages back.
    let page = late.history(json!({ "limit": 2 })).await;
    assert_eq!((&page[1]["items"][0][2], &page[1]["more"]), (&json!(7), &json!(true)));
    let page = late.history(json!({ "before": [late.epoch, 6], "limit": 2 })).await;
    assert_eq!((&page[1]["items"][0][2], &page[1]["items"][1][2]), (&json!(4), &json!(5)));
    for (ask, code) in [(json!({ "limit": 500 }), "invalid"), (json!({ "after": 5 }), "invalid")] {
        assert_eq!(late.history(ask).await[1]["code"], code);
    }
    let mut outside = V1::open(address).await;
    let answer = outside.history(json!({ "after": [late.epoch, 1] })).await;
    assert_eq!(answer[1]["code"], "forbidden");
}

#[tokio::test]
async fn every_client_can_have_the_last_messages_replayed_before_the_live_ones() {
    let address = start().await;
    let mut talker = V1::open(address).await;
    talker.join().await;
    for n in 1..=3 {
        talker.send(json!(["say", n.to_string()])).await;
        assert_eq!(talker.next().await, said(&n.to_string(), n));
        assert_eq!(talker.next().await[0], "passing");
    }
    let mut base = Client::open(address, "/api/post/talk", "").await.unwrap();
    base.emit("replay", "2").await.unwrap();
    for expected in [r#"["said","2"]"#, r#"["said","3"]"#] {
        assert_eq!(base.next_text().await, expected);
    }
    let mut v1 = V1::open(address).await;
    v1.send(json!(["replay", 2])).await;
    let room = v1.next().await;
    assert_eq!((&room[0], &room[1]["o"]), (&json!("$room"), &json!(1)));
    assert_eq!((v1.next().await, v1.next().await), (said("2", 2), said("3", 3)));
    talker.send(json!(["say", "4"])).await;
    assert_eq!(base.next_text().await, r#"["said","4"]"#);
    assert_eq!(v1.next().await, said("4", 4));
    let mut without = Client::open(address, "/api/post/without", "").await.unwrap();
    without.emit("clear", "null").await.unwrap();
    assert_eq!(without.next_text().await, r#"["said","no history"]"#);
}

#[tokio::test]
async fn a_replay_has_no_hole_to_the_live_messages_while_a_room_is_busy() {
    let address = start().await;
    let mut talker = V1::open(address).await;
    talker.join().await;
    let busy = tokio::spawn(async move {
        for n in 1.. {
            talker.send(json!(["others", n.to_string()])).await;
            talker.next().await;
        }
    });
    let number = |text: String| -> u32 {
        let (_, text): (String, String) = serde_json::from_str(&text).unwrap();
        text.parse().unwrap()
    };
    for _ in 0..50 {
        let mut base = Client::open(address, "/api/post/talk", "").await.unwrap();
        base.emit("replay", "3").await.unwrap();
        let first = number(base.next_text().await);
        for next in first + 1..first + 10 {
            assert_eq!(number(base.next_text().await), next);
        }
    }
    busy.abort();
}

#[tokio::test]
async fn handlers_read_the_history_and_clear_it() {
    let address = start().await;
    let mut talker = V1::open(address).await;
    talker.join().await;
    for text in ["a", "b"] {
        talker.send(json!(["say", text])).await;
        assert_eq!(
            (talker.next().await[0].take(), talker.next().await[0].take()),
            (json!("said"), json!("passing"))
        );
    }
    let mut http = Client::tcp(address).await.unwrap();
    let get = b"GET /api/post/recent HTTP/1.1\r\nhost: localhost\r\n\r\n";
    let answer = http.ask(get).await.unwrap();
    assert_eq!(answer.body, r#"["Said(\"a\") 1","Said(\"b\") 2"]"#);
    talker.send(json!(["clear", null, { "i": "c" }])).await;
    assert_eq!(talker.next().await, json!(["$ok", null, { "i": "c" }]));
    assert_eq!(http.ask(get).await.unwrap().body, "[]");
    assert_eq!(talker.after(0).await["gap"], "expired");
    assert_eq!(talker.after(2).await["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn two_processes_share_the_history_in_redis() {
    let server = Server::start();
    let redis = || App::new().broker(Redis::new(&server.url()).unwrap());
    let (here, there) = (serve(redis()).await, serve(redis()).await);
    let (mut ann, mut bo) = (V1::open(here).await, V1::open(there).await);
    assert_eq!(ann.join().await, 0);
    assert_eq!(bo.join().await, 0);
    for (n, text) in [(1, "one"), (2, "two"), (3, "three")] {
        ann.send(json!(["say", text])).await;
        for member in [&mut ann, &mut bo] {
            assert_eq!(member.next().await, json!(["said", text, { "r": "room", "o": n }]));
            assert_eq!(member.next().await[0], "passing");
        }
    }
    assert_eq!(ann.epoch, bo.epoch);
    let items = [json!(["said", "two", 2]), json!(["said", "three", 3])];
    for member in [&mut ann, &mut bo] {
        assert_eq!(member.after(1).await["items"], json!(items));
    }
    // Who comes later, to either process, gets the same.
    let mut late = V1::open(there).await;
    assert_eq!(late.join().await, 3);
    assert_eq!(late.epoch, ann.epoch);
    assert_eq!(late.after(1).await["items"], json!(items));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by ./check: needs redis-server"]
async fn what_an_emitter_publishes_is_kept_in_the_order_of_the_room() {
    let server = Server::start();
    let here = serve(App::new().broker(Redis::new(&server.url()).unwrap())).await;
    let emitter = Emitter::connect(&server.url()).await.unwrap();
    let io = emitter.io::<talk::Procedure>("post/talk");
    // Nobody is there yet.
    io.to("room").said("one").await.unwrap();
    let mut ann = V1::open(here).await;
    assert_eq!(ann.join().await, 1);
    ann.send(json!(["say", "two"])).await;
    assert_eq!(ann.next().await, said("two", 2));
    assert_eq!(ann.next().await[0], "passing");
    io.to("room").forgotten("not kept").await.unwrap();
    assert_eq!(ann.next().await, json!(["forgotten", "not kept"]));
    io.to("room").said("three").await.unwrap();
    assert_eq!(ann.next().await, said("three", 3));
    let items = [json!(["said", "one", 1]), json!(["said", "two", 2]), json!(["said", "three", 3])];
    assert_eq!(ann.after(0).await["items"], json!(items));
    // It reads as it writes.
    let past = io.history("room").last(10).await.unwrap();
    let read: Vec<_> = past.into_iter().map(|past| past.event).collect();
    let kept = ["one", "two", "three"].map(|text| ToClient::Said(text.to_owned()));
    assert_eq!(read, kept);
}
