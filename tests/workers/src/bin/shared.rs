//! Rooms that an application on Workers shares with servers.

#![allow(clippy::unused_async, reason = "a procedure is async")]
#![allow(clippy::wildcard_imports, clippy::ignored_unit_patterns, reason = "as users write them")]

use jstack_runtime::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
struct Line {
    #[garde(length(chars, min = 1, max = 64))]
    room: String,
    #[garde(skip)]
    text: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
struct Whisper {
    #[garde(skip)]
    to: String,
    #[garde(skip)]
    text: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
struct Profile {
    name: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
struct Status {
    #[garde(skip)]
    busy: bool,
}

#[derive(Debug, Events)]
enum ToServer {
    /// Joins, and says so to this connection.
    Join(String),
    Leave(String),
    Say(Line),
    /// To the room without this connection.
    SayToOthers(Line),
    /// To one connection, wherever it is.
    Whisper(Whisper),
    /// Answers with the names of all who are in a room.
    #[event(reply = Vec<String>)]
    Members(String),
    /// Answers with what a client may know of a failed emit.
    #[event(reply = String)]
    Try(Line),
}

#[derive(Debug, Events)]
#[allow(dead_code, reason = "sent by the emitter's methods, which borrow the payload")]
enum ToClient {
    Id(String),
    Joined(String),
    Said(Line),
}

#[procedure(ws, incoming = ToServer, outgoing = ToClient, presence = Status)]
mod talk {
    use super::*;

    struct Session {
        name: String,
    }

    #[connect]
    async fn connect(socket: Socket, uri: axum::http::Uri) -> Result<Session> {
        socket.emit().id(&socket.id().to_string()).await?;
        Ok(Session { name: uri.query().unwrap_or("somebody").to_owned() })
    }

    #[member]
    fn member(session: &Session) -> Member<Profile> {
        Member::new(&session.name, Profile { name: session.name.clone() })
    }

    #[on(Join)]
    async fn join(socket: Socket, room: String) -> Result {
        socket.join(&room).await?;
        socket.emit().joined(&room).await
    }

    #[on(Leave)]
    async fn leave(socket: Socket, room: String) {
        socket.leave(room);
    }

    #[on(Say)]
    async fn say(io: Io, line: Line) -> Result {
        io.to(&line.room).said(&line).await
    }

    #[on(SayToOthers)]
    async fn say_to_others(io: Io, socket: Socket, line: Line) -> Result {
        io.to(&line.room).except(&socket).said(&line).await
    }

    #[on(Whisper)]
    async fn whisper(io: Io, whisper: Whisper) -> Result {
        let id: jstack_runtime::SocketId =
            whisper.to.parse().map_err(|_| Error::bad_request("no such connection"))?;
        io.socket(id).said(&Line { room: "whisper".to_owned(), text: whisper.text }).await
    }

    #[on(Members)]
    async fn members(io: Io, room: String) -> Result<Vec<String>> {
        let members = io.presence(&room).list().await?;
        let mut names: Vec<_> = members.into_iter().map(|member| member.info.name).collect();
        names.sort();
        Ok(names)
    }

    #[on(Try)]
    async fn attempt(io: Io, line: Line) -> Result<String> {
        Ok(match io.to(&line.room).said(&line).await {
            Ok(()) => "taken".to_owned(),
            Err(error) => {
                format!("{} {}: {}", error.status().as_u16(), error.code(), error.message())
            }
        })
    }
}

#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    App::new().mount("t", router![talk]).run().await
}
