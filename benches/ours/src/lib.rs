//! The chat of the README on jstack-runtime: decoding, validation, rooms, limits and slow-reader
//! protection on. Only the limits that a load from one address cannot keep are raised.
//!
//! Two programs serve it: `bench-ours` on the library's own runtime, as the README does, and
//! `bench-ours-tokio` on that of `#[tokio::main]`.

use std::net::Ipv4Addr;

use axum::extract::Query;
use clap::Parser;
use jstack_runtime::Limits;
use jstack_runtime::prelude::*;

#[derive(Parser)]
struct Args {
    /// The port on 127.0.0.1 to listen on.
    #[arg(long)]
    port: u16,
    /// HOST:PORT of the Redis that joins several servers.
    #[arg(long)]
    redis: Option<String>,
}

/// One chat message.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The room that hears it.
    #[garde(length(chars, min = 1, max = 64))]
    pub room_id: String,
    /// The text.
    #[garde(length(chars, min = 1, max = 2000))]
    pub message: String,
    /// Who says it.
    #[garde(length(chars, min = 1, max = 64))]
    pub author: String,
}

/// The events of the chat.
#[derive(Clone, Debug, Events)]
pub enum Chat {
    /// Somebody says something.
    Message(Message),
    /// Comes back as the reply to the one who sent it, in the profile `v1`.
    #[event(reply = Message)]
    Check(Message),
}

/// Which room a connection asks for.
#[derive(Deserialize)]
pub struct Join {
    room: Option<String>,
}

#[procedure(ws, incoming = Chat, outgoing = Chat)]
mod chat {
    use super::{Chat, Join, Message, Query, Result};

    #[connect]
    async fn connect(socket: Socket, Query(join): Query<Join>) -> Result {
        socket.join(join.room.unwrap_or_else(|| "general".into())).await
    }

    #[on(Message)]
    async fn message(io: Io, message: Message) -> Result {
        io.to(&message.room_id).message(&message).await
    }

    #[on(Check)]
    async fn check(message: Message) -> Message {
        message
    }
}

/// What the GET answers: texts of the program's own, as in the other servers.
#[derive(Serialize, JsonSchema, Payload)]
pub struct Small {
    name: &'static str,
    id: u32,
    tags: [&'static str; 3],
}

#[procedure(get)]
async fn small() -> Small {
    Small { name: "hello", id: 7, tags: ["a", "b", "c"] }
}

/// Serves the chat as the command line says.
pub async fn serve() -> Result<(), BoxError> {
    let Args { port, redis } = Args::parse();
    let limits = Limits {
        rate: 10_000_000,
        burst: 10_000_000,
        connections_per_ip: Limits::NONE,
        ..Limits::default()
    };
    let mut app = App::new().mount("bench", router![chat, small]).limits(limits);
    if let Some(redis) = redis {
        app = app.broker(jstack_runtime::Redis::new(&format!("redis://{redis}"))?);
    }
    app.serve((Ipv4Addr::LOCALHOST, port)).await
}
