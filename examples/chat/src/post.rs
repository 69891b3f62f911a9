//! The procedures of the chat: `/api/post/recent`, `/api/post/create` and `/api/post/chat`.

use chrono::{DateTime, Utc};
use jstack_runtime::prelude::*;

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

/// A room to enter.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Join {
    /// The room's name.
    #[garde(length(chars, min = 1, max = 50))]
    pub(crate) room_id: String,
    /// The name under which the others see you there.
    #[garde(length(chars, min = 1, max = 64))]
    pub(crate) author: Option<String>,
}

/// What is shown of somebody who is in a room.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
pub(crate) struct Status {
    /// The name that they entered it with.
    #[garde(length(chars, min = 1, max = 64))]
    pub(crate) name: String,
}

/// The events that clients send.
#[derive(Clone, Debug, Events)]
pub(crate) enum ToServer {
    /// Enters a room, and then leaves the previous one. In the same room it changes your name.
    Join(Join),
    /// Sends a message to a room.
    Message(NewMessage),
    /// Shows the others in a room that somebody is writing.
    #[event(volatile)]
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
    #[event(volatile)]
    Typing(Typing),
    /// Somebody deleted the messages of a room.
    #[event(forget)]
    Cleared(Room),
}

/// The chat itself: enter a room, talk, see who is there and who is writing.
///
/// A room keeps its last 100 messages, none of them for longer than an hour. Typing is worthless
/// later, and that messages were deleted need not be kept: so neither is part of the history.
#[procedure(ws, incoming = ToServer, outgoing = ToClient, presence = Status, history(100, "1h"))]
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
    async fn join(session: &mut Session, socket: Socket, join: Join) -> Result {
        let Join { room_id, author } = join;
        let room = Room { room_id };
        // In first, then out: if the join is refused, the client is still where it was.
        socket.join(&room.room_id).await?;
        if let Some(name) = author {
            socket.presence(&room.room_id).set(&Status { name }).await?;
        }
        if let Some(before) = session.room.replace(room.room_id.clone())
            && before != room.room_id
        {
            socket.leave(before);
        }
        socket.emit().joined(&room).await
    }

    #[on(Message)]
    async fn message(session: &mut Session, io: Io, message: NewMessage) -> Result {
        session.sent += 1;
        let message = message.received();
        io.to(&message.room_id).message(&message).await
    }

    #[on(Typing)]
    async fn typing(socket: Socket, io: Io, typing: Typing) -> Result {
        io.to(&typing.room_id).except(&socket).typing(&typing).await
    }

    #[on(Clear)]
    async fn clear(io: Io, room: Room) -> Result {
        io.history(&room.room_id).clear().await?;
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
pub(crate) async fn recent(io: Io<chat::Procedure>, page: Page) -> Result<Vec<Message>> {
    let past = io.history(&page.room_id).last(page.limit.unwrap_or(50).into()).await?;
    let messages = past.into_iter().filter_map(|past| match past.event {
        ToClient::Message(message) => Some(message),
        _ => None,
    });
    Ok(messages.collect())
}

/// Sends a message without a socket: from a script, a form or another service.
#[procedure(post, input = NewMessage)]
pub(crate) async fn create(io: Io<chat::Procedure>, message: NewMessage) -> Result<Message> {
    let message = message.received();
    io.to(&message.room_id).message(&message).await?;
    Ok(message)
}

/// The procedures, for `App::mount`.
pub(crate) fn router() -> Router {
    router![recent, create, chat]
}
