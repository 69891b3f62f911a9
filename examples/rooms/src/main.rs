//! Rooms: enter and leave them, talk in one, and reach one connection alone.
//!
//! `cargo run -p rooms`; the socket is `ws://127.0.0.1:8080/api/post/rooms`.

use jstack_runtime::prelude::*;

/// A text for a room.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
pub struct Say {
    // A room's name has 1 to 200 bytes, and a character at most 4.
    #[garde(length(chars, min = 1, max = 50))]
    room: String,
    #[garde(length(chars, min = 1, max = 2000))]
    text: String,
}

/// The events that clients send.
#[derive(Clone, Debug, Events)]
pub enum ToServer {
    Join(String),
    Leave(String),
    Say(Say),
}

/// The events that clients receive.
#[derive(Clone, Debug, Events)]
pub enum ToClient {
    /// You are in the room.
    Joined(String),
    /// Somebody else entered a room of yours.
    Entered(String),
    /// Somebody else left a room of yours.
    Left(String),
    Said(Say),
}

#[procedure(ws, incoming = ToServer, outgoing = ToClient)]
pub mod rooms {
    use super::*;

    /// Lives as long as the connection.
    #[derive(Default)]
    pub struct Session {
        rooms: Vec<String>,
    }

    #[connect]
    async fn connect() -> Session {
        Session::default()
    }

    #[on(Join)]
    async fn join(session: &mut Session, socket: Socket, io: Io, room: String) -> Result {
        // When `join` returns, everything that is sent to the room from now on arrives.
        socket.join(&room).await?;
        if !session.rooms.contains(&room) {
            io.to(&room).except(&socket).entered(&room).await?;
            session.rooms.push(room.clone());
        }
        socket.emit().joined(&room).await
    }

    #[on(Leave)]
    async fn leave(session: &mut Session, socket: Socket, io: Io, room: String) -> Result {
        let Some(at) = session.rooms.iter().position(|other| *other == room) else {
            return Err(Error::not_found("you are not in this room"));
        };
        session.rooms.swap_remove(at);
        socket.leave(&room);
        io.to(&room).left(&room).await
    }

    #[on(Say)]
    async fn say(session: &mut Session, io: Io, say: Say) -> Result {
        if !session.rooms.contains(&say.room) {
            return Err(Error::forbidden("join the room first"));
        }
        io.to(&say.room).said(&say).await
    }

    // The connection leaves all its rooms by itself; this is for the others in them.
    #[disconnect]
    async fn disconnect(session: Session, socket: Socket, io: Io) -> Result {
        for room in session.rooms {
            io.to(&room).except(&socket).left(&room).await?;
        }
        Ok(())
    }
}

fn app() -> App {
    App::new().mount("post", router![rooms])
}

#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    app().run().await
}

#[cfg(test)]
mod tests;
