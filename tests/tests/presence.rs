//! Presence, spoken frame by frame over plain sockets: who is in a room, and what they say about
//! themselves.
#![allow(
    unreachable_pub,
    missing_docs,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a program as users write it, and what is asserted of it"
)]

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use jstack_runtime::prelude::*;
use jstack_tests::Client;
use jstack_tests::server::limits;
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate, Payload)]
pub struct Status {
    #[garde(length(chars, max = 20))]
    pub mood: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Profile {
    pub name: String,
}

#[derive(Clone, Debug, Events)]
pub enum ToServer {
    Join(String),
    Hide(String),
    Leave(String),
    /// Sets the mood from a handler.
    Mood(String),
    Calm(()),
}

#[derive(Clone, Debug, Events)]
pub enum ToClient {
    Done(()),
}

#[procedure(ws, incoming = ToServer, outgoing = ToClient, presence = Status)]
pub mod rooms {
    use super::*;

    pub struct Session {
        name: String,
    }

    #[connect]
    async fn connect(socket: Socket, Bearer(name): Bearer) -> Result<Session> {
        socket.join("hall").await?;
        Ok(Session { name })
    }

    #[member]
    fn member(session: &Session) -> Member<Profile> {
        let name = session.name.clone();
        Member::new(&session.name, Profile { name })
    }

    #[on(Join)]
    async fn join(socket: Socket, room: String) -> Result {
        socket.join(room).await
    }

    #[on(Hide)]
    async fn hide(socket: Socket, room: String) -> Result {
        let (hidden, other) = tokio::join!(socket.join(&room).hidden(), socket.join("cellar"));
        hidden.and(other)
    }

    #[on(Leave)]
    async fn leave(socket: Socket, room: String) -> Result {
        socket.leave(room).await
    }

    #[on(Mood)]
    async fn mood(socket: Socket, mood: String) -> Result {
        socket.presence("hall").set(&Status { mood }).await
    }

    #[on(Calm)]
    async fn calm(socket: Socket, _: ()) -> Result {
        socket.presence("hall").clear().await
    }
}

/// The function form: its members have their sockets' ids as keys.
#[procedure(ws, incoming = ToServer, outgoing = ToClient, presence = bool)]
pub async fn plain(
    socket: Socket<plain::Procedure>,
    mut events: Receiver<plain::Procedure>,
) -> Result {
    socket.join("hall").await?;
    while let Some(event) = events.recv().await? {
        if let ToServer::Leave(room) = event {
            socket.leave(room).await?;
        }
    }
    Ok(())
}

/// Without presence.
#[procedure(ws, incoming = ToServer, outgoing = ToClient)]
pub async fn blind(
    socket: Socket<blind::Procedure>,
    mut events: Receiver<blind::Procedure>,
) -> Result {
    socket.join("hall").await?;
    while events.recv().await?.is_some() {}
    Ok(())
}

struct Server {
    address: SocketAddr,
    io: Io<rooms::Procedure>,
}

async fn start() -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let limits = Limits { rate: 1000, burst: 2000, ..limits() };
    let app = App::new().mount("post", router![rooms, plain, blind]).limits(limits);
    let io = app.io::<rooms::Procedure>();
    tokio::spawn(app.serve_on_until(listener, std::future::pending()));
    Server { address, io }
}

struct V1 {
    client: Client,
    id: String,
}

impl V1 {
    /// Opens a connection in the room `hall`.
    async fn open(server: &Server, path: &str, name: &str) -> Self {
        let mut this = Self::begin(server, path, name).await;
        let joined = json!(["$room", { "r": "hall", "in": true }]);
        assert_eq!(this.next().await, joined);
        this
    }

    async fn begin(server: &Server, path: &str, name: &str) -> Self {
        let more = format!("authorization: Bearer {name}\r\nsec-websocket-protocol: jstack.v1\r\n");
        let path = format!("/api/post/{path}");
        let client = Client::open(server.address, &path, &more).await.unwrap();
        let mut this = Self { client, id: String::new() };
        let welcome = this.next().await;
        assert_eq!(welcome[0], "$welcome");
        this.id = welcome[1]["id"].as_str().unwrap().to_owned();
        this
    }

    async fn next(&mut self) -> Value {
        let text = self.client.next_text().await;
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("the connection ended: {text:?}"))
    }

    async fn send(&mut self, frame: Value) {
        self.client.text(&frame.to_string()).await.unwrap();
    }

    /// The answer to a question, if nothing else comes before it.
    async fn ask(&mut self, name: &str, data: Value) -> Value {
        self.send(json!([name, data, { "i": "q" }])).await;
        let answer = self.next().await;
        assert_eq!(answer[2], json!({ "i": "q" }), "{answer}");
        answer
    }

    async fn watch(&mut self, room: &str) -> Value {
        let answer = self.ask("$presence", json!({ "r": room })).await;
        assert_eq!(answer[0], "$ok", "{answer}");
        answer[1].clone()
    }

    async fn difference(&mut self) -> Value {
        let frame = self.next().await;
        assert_eq!(frame[0], "$presence", "{frame}");
        frame[1].clone()
    }
}

fn keys(members: &Value) -> Vec<&str> {
    members.as_array().unwrap().iter().map(|member| member["key"].as_str().unwrap()).collect()
}

async fn until(server: &Server, room: &str, count: usize) {
    let started = Instant::now();
    while server.io.presence(room).count().await.unwrap() != count {
        assert!(started.elapsed() < Duration::from_secs(10), "{room} never had {count} members");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn who_watches_gets_a_list_and_then_numbered_differences() {
    let server = start().await;
    let mut ann = V1::open(&server, "rooms", "ann").await;
    let list = ann.watch("hall").await;
    assert_eq!((&list["n"], &list["me"], &list["count"]), (&json!(0), &json!("ann"), &json!(1)));
    let own = &list["members"][0];
    let since = own["since"].as_u64().unwrap();
    let expected = json!({
        "key": "ann", "info": { "name": "ann" }, "states": [], "connections": 1, "since": since,
    });
    assert_eq!(own, &expected);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as u64;
    assert!(now - since < 60_000, "milliseconds since 1970");

    let bo = V1::open(&server, "rooms", "bo").await;
    let came = ann.difference().await;
    assert_eq!((&came["r"], &came["n"], &came["count"]), (&json!("hall"), &json!(1), &json!(2)));
    assert_eq!((keys(&came["set"]), &came["gone"]), (vec!["bo"], &json!([])));
    drop(bo);
    let went = ann.difference().await;
    assert_eq!((&went["n"], &went["gone"], &went["count"]), (&json!(2), &json!(["bo"]), &json!(1)));

    assert_eq!(ann.ask("$presence", json!({ "r": "hall", "off": true })).await[0], "$ok");
    let _cy = V1::open(&server, "rooms", "cy").await;
    until(&server, "hall", 2).await;
    tokio::time::sleep(Duration::from_millis(1200)).await;
    ann.send(json!(["ping", null])).await;
    assert_eq!(ann.next().await[0], "pong", "nothing came after `off`");
}

#[tokio::test]
async fn connections_with_one_key_are_one_member_with_several_states() {
    let server = start().await;
    let mut first = V1::open(&server, "rooms", "ann").await;
    let mut second = V1::open(&server, "rooms", "ann").await;
    until(&server, "hall", 1).await;
    for (client, mood) in [(&mut first, "happy"), (&mut second, "tired")] {
        client.send(json!(["$state", { "r": "hall", "s": { "mood": mood, "more": 1 } }])).await;
        client.send(json!(["ping", null])).await;
        assert_eq!(client.next().await[0], "pong");
        // So that one of them is the newest.
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    let list = first.watch("hall").await;
    let member = &list["members"][0];
    assert_eq!((&member["connections"], &list["count"]), (&json!(2), &json!(1)));
    // The newest first, without what the type does not know.
    assert_eq!(member["states"], json!([{ "mood": "tired" }, { "mood": "happy" }]));

    let typed = server.io.presence("hall").list().await.unwrap();
    let [typed] = &*typed else { panic!("one member") };
    assert_eq!((typed.key.as_str(), &*typed.info.name, typed.connections), ("ann", "ann", 2));
    assert_eq!(typed.states[0], Status { mood: "tired".to_owned() });
    assert!(typed.since <= SystemTime::now());

    drop(second);
    let change = first.difference().await;
    let member = &change["set"][0];
    assert_eq!(
        (&member["connections"], &member["states"]),
        (&json!(1), &json!([{ "mood": "happy" }]))
    );
    assert_eq!(change["gone"], json!([]), "the last connection has not left");
    first.send(json!(["$state", { "r": "hall", "s": null }])).await;
    assert_eq!(first.difference().await["set"][0]["states"], json!([]));
}

#[tokio::test]
async fn differences_of_a_room_come_once_a_second_with_all_that_has_changed() {
    let server = start().await;
    let mut ann = V1::open(&server, "rooms", "ann").await;
    ann.watch("hall").await;
    let _first = V1::open(&server, "rooms", "bo").await;
    assert_eq!(keys(&ann.difference().await["set"]), ["bo"]);
    let told = Instant::now();
    let mut others = Vec::new();
    for name in ["cy", "di", "ed"] {
        others.push(V1::open(&server, "rooms", name).await);
    }
    others.remove(1);
    let change = ann.difference().await;
    assert!(told.elapsed() > Duration::from_millis(900), "{:?}", told.elapsed());
    assert_eq!((keys(&change["set"]), &change["n"]), (vec!["cy", "ed"], &json!(2)));
    assert_eq!((&change["gone"], &change["count"]), (&json!(["di"]), &json!(4)));
}

#[tokio::test]
async fn handlers_say_something_too_and_rules_apply_to_everybody() {
    let server = start().await;
    let mut ann = V1::open(&server, "rooms", "ann").await;
    ann.watch("hall").await;
    assert_eq!(ann.ask("mood", json!("busy")).await[0], "$ok");
    assert_eq!(ann.difference().await["set"][0]["states"], json!([{ "mood": "busy" }]));
    let long = "x".repeat(21);
    let refused = ann.ask("mood", json!(long)).await;
    assert_eq!(refused[1]["code"], "internal", "a value of the server's own: {refused}");

    let refused = ann.ask("$state", json!({ "r": "hall", "s": { "mood": long } })).await;
    assert_eq!((&refused[0], &refused[1]["code"]), (&json!("$err"), &json!("invalid")));
    assert_eq!(refused[1]["issues"][0]["path"], "mood");
    ann.send(json!(["$state", { "r": "hall", "s": 5 }])).await;
    let error = ann.next().await;
    assert_eq!(
        (&error[0], &error[1]["event"], &error[1]["code"]),
        (&json!("error"), &json!("$state"), &json!("invalid"))
    );
    let huge = json!({ "mood": "a", "more": "x".repeat(2048) });
    let refused = ann.ask("$state", json!({ "r": "hall", "s": huge })).await;
    assert_eq!(refused[1]["code"], "too_large", "{refused}");
    assert_eq!(ann.ask("calm", Value::Null).await[0], "$ok");
    assert_eq!(ann.difference().await["set"][0]["states"], json!([]));
}

#[tokio::test]
async fn only_members_may_ask_and_leaving_ends_the_watching() {
    let server = start().await;
    let mut ann = V1::open(&server, "rooms", "ann").await;
    for data in [json!({ "r": "attic" }), json!({ "r": "" }), json!({ "r": "x".repeat(5000) })] {
        let refused = ann.ask("$presence", data).await;
        assert_eq!((&refused[0], &refused[1]["code"]), (&json!("$err"), &json!("forbidden")));
    }
    let refused = ann.ask("$state", json!({ "r": "attic", "s": { "mood": "a" } })).await;
    assert_eq!(refused[1]["code"], "forbidden");
    for data in [json!({}), json!(null), json!({ "r": 5 })] {
        let refused = ann.ask("$presence", data).await;
        assert_eq!((&refused[0], &refused[1]["code"]), (&json!("$err"), &json!("invalid")));
    }
    // Not a request: nothing to answer.
    ann.send(json!(["$presence", { "r": "hall" }])).await;
    ann.send(json!(["$presence", 5])).await;

    ann.send(json!(["join", "attic"])).await;
    assert_eq!(ann.next().await, json!(["$room", { "r": "attic", "in": true }]));
    assert_eq!(keys(&ann.watch("attic").await["members"]), ["ann"]);
    ann.send(json!(["leave", "attic"])).await;
    assert_eq!(ann.next().await, json!(["$room", { "r": "attic", "in": false }]));
    until(&server, "attic", 0).await;
    let mut bo = V1::open(&server, "rooms", "bo").await;
    bo.send(json!(["join", "attic"])).await;
    until(&server, "attic", 1).await;
    let refused = ann.ask("$presence", json!({ "r": "attic" })).await;
    assert_eq!(refused[1]["code"], "forbidden", "and no difference of it came before");
}

#[tokio::test]
async fn a_hidden_connection_watches_and_is_not_seen() {
    let server = start().await;
    let mut spy = V1::open(&server, "rooms", "spy").await;
    spy.send(json!(["hide", "attic"])).await;
    let mut joined = [spy.next().await, spy.next().await];
    joined.sort_by_key(|frame| frame[1]["r"].to_string());
    assert_eq!(joined[0][1], json!({ "r": "attic", "in": true }));
    let list = spy.watch("attic").await;
    assert_eq!(
        (&list["me"], &list["members"], &list["count"]),
        (&json!("spy"), &json!([]), &json!(0))
    );
    assert_eq!(spy.ask("$state", json!({ "r": "attic", "s": { "mood": "sly" } })).await[0], "$ok");
    let mut ann = V1::open(&server, "rooms", "ann").await;
    ann.send(json!(["join", "attic"])).await;
    assert_eq!(keys(&spy.difference().await["set"]), ["ann"]);
    assert_eq!(ann.next().await[0], "$room");
    assert_eq!(keys(&ann.watch("attic").await["members"]), ["ann"]);
    until(&server, "cellar", 1).await;
}

#[tokio::test]
async fn without_a_member_function_the_key_is_the_sockets_id() {
    let server = start().await;
    let mut one = V1::begin(&server, "plain", "x").await;
    assert_eq!(one.next().await, json!(["$room", { "r": "hall", "in": true }]));
    let list = one.watch("hall").await;
    assert_eq!((&list["me"], keys(&list["members"])), (&json!(one.id), vec![&*one.id]));
    assert_eq!(list["members"][0]["info"], Value::Null);
    assert_eq!(one.ask("$state", json!({ "r": "hall", "s": true })).await[0], "$ok");
    assert_eq!(one.difference().await["set"][0]["states"], json!([true]));
}

#[tokio::test]
async fn a_procedure_without_presence_says_so_and_tells_no_rooms() {
    let server = start().await;
    let mut one = V1::begin(&server, "blind", "x").await;
    for (name, data) in
        [("$presence", json!({ "r": "hall" })), ("$state", json!({ "r": "hall", "s": 1 }))]
    {
        let refused = one.ask(name, data).await;
        assert_eq!((&refused[0], &refused[1]["code"]), (&json!("$err"), &json!("unsupported")));
    }
}

#[tokio::test]
async fn a_client_of_the_base_profile_is_a_member_and_notices_nothing() {
    let server = start().await;
    let more = "authorization: Bearer stock\r\n";
    let mut base = Client::open(server.address, "/api/post/rooms", more).await.unwrap();
    let mut ann = V1::open(&server, "rooms", "ann").await;
    until(&server, "hall", 2).await;
    assert_eq!(keys(&ann.watch("hall").await["members"]), ["ann", "stock"]);
    base.text(r#"["$presence",{"r":"hall"}]"#).await.unwrap();
    let error: Value = serde_json::from_str(&base.next_text().await).unwrap();
    assert_eq!((&error[0], &error[1]["code"]), (&json!("error"), &json!("unknown_event")));
    drop(base);
    assert_eq!(ann.difference().await["gone"], json!(["stock"]));
}

#[tokio::test]
async fn of_a_large_room_the_first_200_are_listed() {
    let server = start().await;
    let mut crowd = Vec::new();
    for number in 0..205 {
        crowd.push(V1::open(&server, "rooms", &format!("n{number:03}")).await);
    }
    until(&server, "hall", 205).await;
    let list = crowd[0].watch("hall").await;
    assert_eq!((list["members"].as_array().unwrap().len(), &list["count"]), (200, &json!(205)));
    drop(crowd);
    until(&server, "hall", 0).await;
}
