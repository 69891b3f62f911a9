//! An application that takes and answers every type, and one that chats.

use jstack_runtime::contract::Contract;
use jstack_runtime::prelude::*;

use super::every::every_type;
use super::types::{Message, Point, Ruled};

/// All types, in and out.
pub(crate) mod every {
    #[allow(clippy::wildcard_imports, reason = "the list names all of them")]
    use super::super::types::*;
    use super::*;

    macro_rules! echo {
        ($($name:ident: $type:ty,)*) => {
            $(
                #[procedure(post, input = $type)]
                pub(crate) async fn $name(input: $type) -> $type {
                    input
                }
            )*

            pub(crate) fn router() -> Router {
                router![$($name),*]
            }
        };
    }

    every_type!(echo);
}

/// Which messages.
#[derive(Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub(crate) struct Query {
    /// How many at most.
    limit: Option<u32>,
    room: Option<String>,
}

/// What clients say.
#[derive(Debug, Events)]
pub(crate) enum Said {
    /// Somebody says something.
    Message(Message),
    Typing(String),
    Cleared(()),
}

/// What clients hear.
#[derive(Debug, Events)]
pub(crate) enum Told {
    Message(Message),
    /// A new face.
    UserJoined(Ruled),
    Moved(Vec<Point>),
}

/// Everybody talks.
#[procedure(ws, incoming = Said, outgoing = Told, rename = "chat")]
pub(crate) mod talk {
    use super::*;

    #[on(Message)]
    async fn message(io: Io, message: Message) -> Result {
        io.all().message(&message).await
    }

    #[on(Typing)]
    async fn typing(_: String) {}

    #[on(Cleared)]
    async fn cleared((): ()) {}
}

/// The latest messages, newest first.
#[procedure(get, input = Query)]
pub(crate) async fn recent(query: Query) -> Result<SuperJson<Vec<Message>>> {
    if query.limit == Some(0) || query.room.as_deref() == Some("") {
        return Err(Error::bad_request("nothing was asked for"));
    }
    Ok(SuperJson(Vec::new()))
}

#[procedure(post, input = Message)]
pub(crate) async fn create(message: Message) -> Message {
    message
}

#[procedure(post, input = Point)]
pub(crate) async fn locate(point: Option<Point>) -> Option<Point> {
    point
}

#[procedure(get)]
pub(crate) async fn whoami() -> String {
    "Ann".to_owned()
}

#[procedure(post)]
pub(crate) async fn reset() -> Result {
    Ok(())
}

#[procedure(get)]
pub(crate) async fn page() -> Raw<&'static str> {
    Raw("<h1>Hello</h1>")
}

pub(crate) fn chat() -> Router {
    router![talk, recent, create, locate, whoami, reset, page]
}

pub(crate) fn contract() -> Contract {
    App::<()>::new().mount("every", every::router()).mount("chat", chat()).describe()
}

/// The chat after somebody has renamed a field of its message.
pub(crate) fn changed() -> Contract {
    App::<()>::new().mount("chat", after::router()).describe()
}

mod after {
    use super::*;

    #[derive(Serialize, Deserialize, JsonSchema, Payload)]
    struct Message {
        room: String,
        message: String,
    }

    #[procedure(post, input = Message)]
    async fn create(message: Message) -> Message {
        message
    }

    pub(super) fn router() -> Router {
        router![create]
    }
}
