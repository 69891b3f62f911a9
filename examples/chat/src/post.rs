//! The procedures of the chat: `/api/post/recent`, `/api/post/create` and `/api/post/chat`.

use jstack_runtime::prelude::*;

use crate::store::Store;

/// One chat message.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message {
    /// The room it is said in.
    #[garde(length(chars, min = 1, max = 64))]
    pub(crate) room_id: String,
    /// What is said.
    #[garde(length(chars, min = 1, max = 2000))]
    pub(crate) message: String,
    /// Who says it.
    #[garde(length(chars, min = 1, max = 64))]
    pub(crate) author: String,
}

/// Somebody is writing.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Typing {
    /// In this room.
    #[garde(length(chars, min = 1, max = 64))]
    pub(crate) room_id: String,
    /// This one.
    #[garde(length(chars, min = 1, max = 64))]
    pub(crate) author: String,
}

/// A room to go to.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Room {
    /// Its name.
    #[garde(length(chars, min = 1, max = 64))]
    pub(crate) room_id: String,
}

/// What clients send.
#[derive(Clone, Debug, Events)]
pub(crate) enum ToServer {
    /// Goes to a room, out of the one before.
    Join(Room),
    /// Says something in a room.
    Message(Message),
    /// Is writing.
    Typing(Typing),
    /// Wipes what was said in a room.
    Clear(Room),
}

/// What clients get.
#[derive(Clone, Debug, Events)]
pub(crate) enum ToClient {
    /// You are in the room now, and hear what is said there.
    Joined(Room),
    /// Somebody said something.
    Message(Message),
    /// Somebody else is writing.
    Typing(Typing),
    /// Somebody wiped what was said in the room.
    Cleared(()),
}

/// The chat's socket.
#[procedure(ws, incoming = ToServer, outgoing = ToClient)]
pub(crate) mod chat {
    use super::*;

    /// Lives as long as the connection.
    #[derive(Default)]
    pub(crate) struct Session {
        room: Option<String>,
        sent: u64,
    }

    #[connect]
    async fn connect() -> Session {
        Session::default()
    }

    #[on(Join)]
    async fn join(session: &mut Session, socket: Socket, room: Room) -> Result {
        if let Some(before) = session.room.replace(room.room_id.clone()) {
            socket.leave(before);
        }
        socket.join(&room.room_id).await?;
        socket.emit().joined(&room).await
    }

    #[on(Message)]
    async fn message(
        session: &mut Session,
        socket: Socket,
        io: Io,
        State(store): State<Store>,
        message: Message,
    ) -> Result {
        // Whoever speaks in a room hears it, also without having joined before.
        socket.join(&message.room_id).await?;
        session.sent += 1;
        store.save(&message);
        io.to(&message.room_id).message(&message).await
    }

    #[on(Typing)]
    async fn typing(socket: Socket, io: Io, typing: Typing) -> Result {
        io.to(&typing.room_id).except(&socket).typing(&typing).await
    }

    #[on(Clear)]
    async fn clear(io: Io, State(store): State<Store>, room: Room) -> Result {
        store.clear(&room.room_id);
        io.to(&room.room_id).cleared(&()).await
    }

    #[disconnect]
    async fn disconnect(session: Session, reason: CloseReason) {
        tracing::info!(%reason, sent = session.sent, "left");
    }
}

/// Which messages are wanted.
#[derive(Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    /// Of this room.
    #[garde(length(chars, min = 1, max = 64))]
    room_id: String,
    /// At most so many; 50 unless said.
    #[garde(range(min = 1, max = 100))]
    limit: Option<u8>,
}

/// The last messages of a room, oldest first.
#[procedure(get, input = Page)]
pub(crate) async fn recent(State(store): State<Store>, page: Page) -> Vec<Message> {
    store.recent(&page.room_id, page.limit.unwrap_or(50).into())
}

/// Says something without a socket: from a script, a form, another service.
#[procedure(post, input = Message)]
pub(crate) async fn create(
    State(store): State<Store>,
    io: Io<chat::Procedure>,
    message: Message,
) -> Result<Message> {
    store.save(&message);
    io.to(&message.room_id).message(&message).await?;
    Ok(message)
}

/// The procedures, for `App::mount`.
pub(crate) fn router() -> Router<Store> {
    router![recent, create, chat]
}
