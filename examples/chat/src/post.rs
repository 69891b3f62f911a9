//! The procedures of the chat: `/api/post/recent`, `/api/post/create` and `/api/post/chat`.

use chrono::{DateTime, Utc};
use jstack_runtime::prelude::*;

use crate::store::Store;

// A room's name has at most 200 bytes, and a character at most 4: hence the 50 below.

/// A message that somebody sends.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewMessage {
    /// The room to send it to.
    #[garde(length(chars, min = 1, max = 50))]
    pub(crate) room_id: String,
    /// Its text.
    #[garde(length(chars, min = 1, max = 2000))]
    pub(crate) message: String,
    /// The sender's name.
    #[garde(length(chars, min = 1, max = 64))]
    pub(crate) author: String,
}

/// A message in a room.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message {
    /// The room that it was sent to.
    #[garde(length(chars, min = 1, max = 50))]
    pub(crate) room_id: String,
    /// Its text.
    #[garde(length(chars, min = 1, max = 2000))]
    pub(crate) message: String,
    /// The sender's name.
    #[garde(length(chars, min = 1, max = 64))]
    pub(crate) author: String,
    /// When the server received it.
    #[garde(skip)]
    pub(crate) at: DateTime<Utc>,
}

impl NewMessage {
    /// The message as others see it, received now.
    fn received(self) -> Message {
        let Self { room_id, message, author } = self;
        Message { room_id, message, author, at: Utc::now() }
    }
}

/// A sign that somebody is writing a message.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Typing {
    /// The room that it will be sent to.
    #[garde(length(chars, min = 1, max = 50))]
    pub(crate) room_id: String,
    /// The writer's name.
    #[garde(length(chars, min = 1, max = 64))]
    pub(crate) author: String,
}

/// A room.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Room {
    /// The room's name.
    #[garde(length(chars, min = 1, max = 50))]
    pub(crate) room_id: String,
}

/// The events that clients send.
#[derive(Clone, Debug, Events)]
pub(crate) enum ToServer {
    /// Enters a room, and then leaves the previous one.
    Join(Room),
    /// Sends a message to a room.
    Message(NewMessage),
    /// Shows the others in a room that somebody is writing.
    Typing(Typing),
    /// Deletes the messages of a room, for everybody.
    Clear(Room),
}

/// The events that clients receive.
#[derive(Clone, Debug, Events)]
pub(crate) enum ToClient {
    /// You are in the room: from now on you receive its messages.
    Joined(Room),
    /// Somebody sent a message.
    Message(Message),
    /// Somebody else is writing.
    Typing(Typing),
    /// Somebody deleted the messages of a room.
    Cleared(Room),
}

/// The chat itself: enter a room, talk, see who is writing.
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
        // In first, then out: if the join is refused, the client is still where it was.
        socket.join(&room.room_id).await?;
        if let Some(before) = session.room.replace(room.room_id.clone())
            && before != room.room_id
        {
            socket.leave(before);
        }
        socket.emit().joined(&room).await
    }

    #[on(Message)]
    async fn message(
        session: &mut Session,
        io: Io,
        State(store): State<Store>,
        message: NewMessage,
    ) -> Result {
        session.sent += 1;
        let message = message.received();
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
        io.to(&room.room_id).cleared(&room).await
    }

    #[disconnect]
    async fn disconnect(session: Session, reason: CloseReason) {
        tracing::info!(%reason, sent = session.sent, "left");
    }
}

/// Which messages to read.
#[derive(Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    /// The room to read.
    #[garde(length(chars, min = 1, max = 50))]
    pub(crate) room_id: String,
    /// How many messages at most: 50 if left out.
    #[garde(range(min = 1, max = 100))]
    pub(crate) limit: Option<u8>,
}

/// The last messages of a room, oldest first.
#[procedure(get, input = Page)]
pub(crate) async fn recent(State(store): State<Store>, page: Page) -> Vec<Message> {
    store.recent(&page.room_id, page.limit.unwrap_or(50).into())
}

/// Sends a message without a socket: from a script, a form or another service.
#[procedure(post, input = NewMessage)]
pub(crate) async fn create(
    State(store): State<Store>,
    io: Io<chat::Procedure>,
    message: NewMessage,
) -> Result<Message> {
    let message = message.received();
    store.save(&message);
    io.to(&message.room_id).message(&message).await?;
    Ok(message)
}

/// The procedures, for `App::mount`.
pub(crate) fn router() -> Router<Store> {
    router![recent, create, chat]
}
