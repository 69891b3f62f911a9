//! What the stock client is tested against, one procedure for each thing it can meet.

#![allow(clippy::unused_async, reason = "a procedure is async")]
#![allow(clippy::wildcard_imports, clippy::ignored_unit_patterns, reason = "as users write them")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::http::{HeaderMap, StatusCode, header, request};
use axum::response::Html;
use jstack_runtime::prelude::*;
use serde_json::Value;

/// What the handlers share.
#[derive(Clone, Default)]
pub(crate) struct Counts {
    /// Requests that came with a body and reached the handler.
    created: Arc<AtomicU32>,
    /// Openings of the guarded socket.
    knocks: Arc<AtomicU32>,
}

/// One field of every kind.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema, Payload)]
#[serde(rename_all = "camelCase", default)]
struct Everything {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    integer: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    at: Option<String>,
    /// More than a double holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    big: Option<u64>,
    /// More than 64 bits hold: its digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    huge: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    map: Option<BTreeMap<String, i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pairs: Option<Vec<(i64, String)>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Option<BTreeSet<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nested: Option<Nested>,
    #[serde(skip_serializing_if = "Option::is_none")]
    anything: Option<Value>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema, Payload)]
struct Nested {
    #[schemars(extend("format" = "date-time"))]
    at: String,
    list: Vec<Option<i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deeper: Option<Box<Nested>>,
}

/// A point in time, for answers.
#[derive(Debug, Serialize, Deserialize, JsonSchema, Payload)]
struct Moment {
    name: String,
    #[schemars(extend("format" = "date-time"))]
    at: String,
    #[schemars(extend("format" = "date-time"))]
    ended: Option<String>,
}

/// Input with rules.
#[derive(Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
#[serde(rename_all = "camelCase")]
struct Person {
    #[garde(length(chars, min = 2, max = 10))]
    full_name: String,
    #[garde(range(min = 0, max = 150))]
    age: u16,
    #[garde(dive)]
    home: Home,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
struct Home {
    #[garde(length(chars, min = 1))]
    city: String,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema, Payload)]
struct Wanted {
    status: u16,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
struct Said {
    #[garde(length(chars, min = 1, max = 64))]
    room: String,
    #[garde(length(chars, min = 1, max = 200))]
    text: String,
}

#[procedure(get)]
async fn nothing() -> &'static str {
    "here"
}

#[procedure(get, input = Option<Everything>)]
async fn maybe(everything: Option<Everything>) -> bool {
    everything.is_some()
}

#[procedure(get, input = Everything)]
async fn read(everything: Everything) -> Everything {
    everything
}

#[procedure(post, input = Everything)]
async fn write(State(counts): State<Counts>, everything: Everything) -> Everything {
    counts.created.fetch_add(1, Ordering::Relaxed);
    everything
}

#[procedure(get)]
async fn written(State(counts): State<Counts>) -> u32 {
    counts.created.load(Ordering::Relaxed)
}

#[procedure(get)]
async fn moment() -> SuperJson<Moment> {
    SuperJson(Moment {
        name: "first".to_owned(),
        at: "2026-01-02T03:04:05.678Z".to_owned(),
        ended: None,
    })
}

#[procedure(post, input = Moment)]
async fn later_moment(moment: Moment) -> Result<SuperJson<Vec<Moment>>> {
    Ok(SuperJson(vec![moment]))
}

#[procedure(get)]
async fn void() {}

#[procedure(post)]
async fn void_post() -> Result {
    Ok(())
}

#[procedure(get, input = Person)]
async fn person(person: Person) -> Person {
    person
}

#[procedure(post, input = Person)]
async fn new_person(person: Person) -> Result<Person> {
    Ok(person)
}

#[procedure(get, input = Wanted)]
async fn refuse(wanted: Wanted) -> Result {
    Err(match wanted.status {
        401 => Error::unauthorized("who are you?"),
        404 => Error::not_found("no such thing"),
        409 => Error::conflict("that name is taken"),
        status => Error::new(
            StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST),
            format!("you wanted {status}"),
        ),
    })
}

#[procedure(get)]
async fn broken() -> Result<String> {
    Err(std::io::Error::other("disk /dev/secret is full"))?
}

#[procedure(post)]
#[allow(clippy::panic, reason = "what the test is about")]
async fn panics() -> Result {
    panic!("secret in a panic")
}

#[procedure(get)]
async fn page() -> Raw<Html<&'static str>> {
    Raw(Html("<h1>Hello</h1>"))
}

#[procedure(get)]
async fn cookies(headers: HeaderMap) -> Option<String> {
    headers.get(header::COOKIE).and_then(|cookie| cookie.to_str().ok()).map(str::to_owned)
}

/// Speaks in a room of the chat without being in it.
#[procedure(post, input = Said)]
async fn say(io: Io<chat::Procedure>, said: Said) -> Result {
    io.to(&said.room).said(&said).await
}

/// Answers first, and speaks from a task of its own.
#[procedure(post, input = Said)]
async fn say_later(io: Io<chat::Procedure>, said: Said) -> u16 {
    crate::spawn(async move { drop(io.to(&said.room).said(&said).await) });
    202
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
struct Room {
    room: String,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema, Payload)]
struct End {
    code: u16,
    reason: String,
}

#[derive(Debug, Events)]
enum ToServer {
    Join(Room),
    Leave(Room),
    Say(Said),
    SayToOthers(Said),
    SayToAll(Said),
    Rooms(()),
    Conflict(()),
    Broken(()),
    Panics(()),
    End(End),
    /// Makes the server try to send what breaks its own rules.
    Invalid(()),
}

#[derive(Debug, Events)]
#[allow(dead_code, reason = "sent by the emitter's methods, which borrow the payload")]
enum ToClient {
    Joined(Room),
    Left(Room),
    Said(Said),
    Rooms(Vec<String>),
    /// No data.
    Done(()),
}

#[procedure(ws, incoming = ToServer, outgoing = ToClient)]
mod chat {
    use super::*;

    #[on(Join)]
    async fn join(socket: Socket, room: Room) -> Result {
        socket.join(&room.room).await?;
        socket.emit().joined(&room).await
    }

    #[on(Leave)]
    async fn leave(socket: Socket, room: Room) -> Result {
        socket.leave(&room.room);
        socket.emit().left(&room).await
    }

    #[on(Say)]
    async fn say(io: Io, said: Said) -> Result {
        io.to(&said.room).said(&said).await
    }

    #[on(SayToOthers)]
    async fn say_to_others(io: Io, socket: Socket, said: Said) -> Result {
        io.to(&said.room).except(&socket).said(&said).await?;
        socket.emit().done(&()).await
    }

    #[on(SayToAll)]
    async fn say_to_all(io: Io, said: Said) -> Result {
        io.all().said(&said).await
    }

    #[on(Rooms)]
    async fn rooms(socket: Socket, _: ()) -> Result {
        let mut rooms = socket.rooms();
        rooms.sort();
        socket.emit().rooms(&rooms).await
    }

    #[on(Conflict)]
    async fn conflict(_: ()) -> Result {
        Err(Error::conflict("that name is taken"))
    }

    #[on(Broken)]
    async fn broken(_: ()) -> Result {
        Err(std::io::Error::other("disk /dev/secret is full"))?
    }

    #[on(Panics)]
    #[allow(clippy::panic, reason = "what the test is about")]
    async fn panics(_: ()) {
        panic!("secret in a panic")
    }

    #[on(End)]
    async fn end(socket: Socket, end: End) {
        socket.close(end.code, end.reason);
    }

    #[on(Invalid)]
    async fn invalid(socket: Socket, _: ()) -> Result {
        let wrong = Said { room: String::new(), text: String::new() };
        match socket.emit().said(&wrong).await {
            Err(_) => socket.emit().done(&()).await,
            Ok(()) => Ok(()),
        }
    }
}

/// The same events by another procedure: its rooms are others, whatever their names.
#[procedure(ws, incoming = ToServer, outgoing = ToClient)]
mod other {
    use super::*;

    #[on(Join)]
    async fn join(socket: Socket, room: Room) -> Result {
        socket.join(&room.room).await?;
        socket.emit().joined(&room).await
    }

    #[fallback]
    async fn rest(io: Io, event: Incoming) -> Result {
        if let ToServer::Say(said) = event { io.to(&said.room).said(&said).await } else { Ok(()) }
    }
}

/// Whoever has the password.
#[derive(Clone)]
struct User;

impl axum::extract::FromRequestParts<Counts> for User {
    type Rejection = Error;

    async fn from_request_parts(
        parts: &mut request::Parts,
        counts: &Counts,
    ) -> std::result::Result<Self, Error> {
        counts.knocks.fetch_add(1, Ordering::Relaxed);
        if parts.uri.query() == Some("password=open") {
            Ok(Self)
        } else {
            Err(Error::unauthorized("say the password"))
        }
    }
}

/// Refuses strangers before the upgrade; the function form.
#[procedure(ws, incoming = ToServer, outgoing = ToClient)]
async fn guarded(
    socket: Socket<guarded::Procedure>,
    mut events: Receiver<guarded::Procedure>,
    _user: User,
) -> Result {
    while let Some(event) = events.recv().await? {
        match event {
            ToServer::Say(said) => socket.emit().said(&said).await?,
            _ => break,
        }
    }
    Ok(())
}

#[procedure(get)]
async fn knocks(State(counts): State<Counts>) -> u32 {
    counts.knocks.load(Ordering::Relaxed)
}

/// The procedures, for `App::mount`.
pub(crate) fn router() -> Router<Counts> {
    router![
        nothing,
        maybe,
        read,
        write,
        written,
        moment,
        later_moment,
        void,
        void_post,
        person,
        new_person,
        refuse,
        broken,
        panics,
        page,
        cookies,
        say,
        say_later,
        chat,
        other,
        guarded,
        knocks
    ]
}
