//! A probe of what the documentation promises.

#![allow(clippy::unused_async, reason = "a procedure is async")]
#![allow(clippy::wildcard_imports, clippy::ignored_unit_patterns, reason = "as users write them")]

use axum::http::Uri;
use jstack_runtime::ClientAddress;
use jstack_runtime::prelude::*;

use crate::procedures::Counts;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
pub(crate) struct Line {
    #[garde(length(chars, min = 1, max = 64))]
    pub(crate) room: String,
    #[garde(length(chars, min = 1, max = 200))]
    pub(crate) text: String,
}

/// What everybody reads about a member.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub(crate) struct Profile {
    pub(crate) name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
pub(crate) struct Status {
    #[garde(skip)]
    pub(crate) busy: bool,
}

#[derive(Debug, Events)]
pub(crate) enum ToServer {
    /// Joins, and speaks in the room at once.
    Join(String),
    Leave(String),
    Say(Line),
    /// Says how often it was said on this connection.
    Count(()),
    /// Answers a request.
    #[event(reply = u32)]
    Double(u32),
    /// Never ends.
    Hang(()),
    Panic(()),
    End(u16),
}

#[derive(Debug, Events)]
#[allow(dead_code, reason = "sent by the emitter's methods, which borrow the payload")]
pub(crate) enum ToClient {
    Hello(String),
    Joined(String),
    Said(Line),
    Counted(u32),
    /// Somebody is gone: what `#[disconnect]` was told.
    Gone(String),
}

/// Rooms that are remembered, and whose members are known.
#[procedure(ws, incoming = ToServer, outgoing = ToClient, history(20, "1h"), presence = Status)]
pub(crate) mod talk {
    use super::*;

    pub(crate) struct Session {
        name: String,
        count: u32,
    }

    #[connect]
    async fn connect(socket: Socket, uri: Uri) -> Result<Session> {
        let name = uri.query().unwrap_or("somebody").to_owned();
        if name == "refused" {
            return Err(Error::forbidden("not you"));
        }
        socket.emit().hello(&name).await?;
        Ok(Session { name, count: 0 })
    }

    #[member]
    fn member(session: &Session) -> Member<Profile> {
        Member::new(&session.name, Profile { name: session.name.clone() })
    }

    #[on(Join)]
    async fn join(socket: Socket, io: Io, room: String) -> Result {
        socket.join(&room).await?;
        io.to(&room).joined(&room).await
    }

    #[on(Leave)]
    async fn leave(socket: Socket, room: String) {
        socket.leave(room);
    }

    #[on(Say)]
    async fn say(io: Io, line: Line) -> Result {
        io.to(&line.room).said(&line).await
    }

    #[on(Count)]
    async fn count(session: &mut Session, socket: Socket, _: ()) -> Result {
        session.count += 1;
        socket.emit().counted(&session.count).await
    }

    #[on(Double)]
    async fn double(number: u32) -> Result<u32> {
        number.checked_mul(2).ok_or_else(|| Error::bad_request("too large"))
    }

    #[on(Hang)]
    async fn hang(_: ()) {
        std::future::pending().await
    }

    #[on(Panic)]
    #[allow(clippy::panic, reason = "what the test is about")]
    async fn panics(_: ()) {
        panic!("a handler panics on purpose")
    }

    #[on(End)]
    async fn end(socket: Socket, code: u16) {
        socket.close(code, "enough");
    }

    #[disconnect]
    async fn disconnect(session: Session, io: Io, reason: CloseReason) -> Result {
        io.to("gone").gone(&format!("{} {:?} {}", session.name, reason.by(), reason.code())).await
    }
}

/// Says something from a request; it is heard when the answer comes.
#[procedure(post, input = Line)]
async fn say(io: Io<talk::Procedure>, line: Line) -> Result {
    io.to(&line.room).said(&line).await
}

/// What a room remembers, by the server.
#[procedure(get, input = Option<Room>)]
async fn remembered(io: Io<talk::Procedure>, room: Option<Room>) -> Result<Vec<String>> {
    let room = room.map_or_else(|| "general".to_owned(), |room| room.room);
    let past = io.history(&room).last(20).await?;
    Ok(past.into_iter().map(|past| format!("{:?}", past.event)).collect())
}

#[derive(Debug, Serialize, Deserialize, JsonSchema, Payload)]
struct Room {
    room: String,
}

/// Who is in a room, by the server.
#[procedure(get, input = Room)]
async fn members(io: Io<talk::Procedure>, room: Room) -> Result<Vec<String>> {
    let members = io.presence(&room.room).list().await?;
    let mut names: Vec<_> = members.into_iter().map(|member| member.info.name).collect();
    names.sort();
    Ok(names)
}

/// The client's address.
#[procedure(get)]
async fn address(ClientAddress(address): ClientAddress) -> String {
    address.to_string()
}

#[procedure(post)]
#[allow(clippy::panic, reason = "what the test is about")]
async fn panics() -> Result {
    panic!("a request panics on purpose")
}

/// Says something from wherever this runs.
#[procedure(post, input = Line)]
async fn shout(io: Io<talk::Procedure>, line: Line) -> Result {
    io.to(&line.room).said(&line).await
}

#[procedure(get)]
async fn version() -> &'static str {
    "1"
}

#[procedure(post)]
#[allow(clippy::panic, reason = "what the test is about")]
async fn break_down() -> Result {
    panic!("a stateless procedure panics on purpose")
}

pub(crate) fn router() -> Router<Counts> {
    router![talk, say, remembered, members, address, panics]
}

/// Procedures that keep nothing in memory.
pub(crate) fn stateless() -> Router<Counts> {
    router![shout, version, break_down]
}
