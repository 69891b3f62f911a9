//! An application that takes and answers every type, and one that chats.

use jstack_runtime::contract::Contract;
use jstack_runtime::prelude::*;

use super::composed::{Message, Ruled};
use super::every::every_type;
use super::types::{Color, Point};

/// All types, in and out.
pub(crate) mod every {
    #[allow(clippy::wildcard_imports, reason = "the list names all of them")]
    use super::super::composed::*;
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

/// Which part of it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Range {
    limit: Option<u32>,
    from: Option<u32>,
}

/// Which messages.
#[derive(Debug, Serialize, Deserialize, JsonSchema, Payload)]
#[schemars(rename = "Query")]
pub(crate) struct Recent {
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

/// The query of a board's connection.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BoardParams {
    /// Which board.
    board_id: String,
    /// Where to begin.
    since: Option<u32>,
}

/// How to see it. It has no schema.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct View {
    zoom: Option<u8>,
}

/// A place on the board.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cursor {
    user_id: String,
    at: Point,
}

/// What clients of the board send.
#[derive(Debug, Events)]
pub(crate) enum BoardIn {
    /// Stores a message and answers with it.
    #[event(reply = Message)]
    Save(Message),
    /// Where the pointer is.
    #[event(latest = user_id)]
    Cursor(Cursor),
    #[event(volatile)]
    Typing(()),
    #[event(volatile, forget)]
    Waving(()),
    #[event(latest)]
    Zoom(u8),
    Leave(()),
}

/// What clients of the board get.
#[derive(Debug, Events)]
pub(crate) enum BoardOut {
    /// May it be deleted?
    #[event(ask = Color)]
    Confirm(Point),
    /// Somebody's pointer.
    #[event(latest = user_id)]
    Cursor(Cursor),
    Saved(Message),
}

/// What somebody at the board does.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub(crate) struct Doing {
    tool: Color,
    /// Whether the pointer is down.
    #[serde(default)]
    drawing: bool,
}

/// Somebody at the board.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub(crate) struct Person {
    name: String,
}

/// People draw together.
#[procedure(ws, incoming = BoardIn, outgoing = BoardOut, presence = Doing, history(100, "5m"))]
pub(crate) mod board {
    use super::*;

    pub(crate) struct Session {
        name: String,
    }

    #[connect]
    async fn connect(socket: Socket, Query(params): Query<BoardParams>) -> Result<Session> {
        socket.join(&params.board_id).await?;
        Ok(Session { name: params.board_id })
    }

    #[member]
    fn member(session: &Session) -> Member<Person> {
        Member::new(&session.name, Person { name: session.name.clone() })
    }

    #[on(Save)]
    async fn save(message: Message) -> Message {
        message
    }

    #[on(Cursor)]
    async fn cursor(io: Io, cursor: Cursor) -> Result {
        io.all().cursor(&cursor).await
    }

    #[fallback]
    async fn other(_: Incoming) {}
}

/// The same with every field of the query optional, in the other form.
#[procedure(ws, incoming = BoardIn, outgoing = BoardOut, presence = bool)]
pub(crate) async fn watch(
    Query(range): Query<Range>,
    mut events: Receiver<watch::Procedure>,
) -> Result {
    while range.limit != Some(0) && events.recv().await?.is_some() {}
    Ok(())
}

/// Two queries, one of them without a schema.
#[procedure(ws, incoming = Said, outgoing = Told)]
pub(crate) mod viewed {
    use super::*;

    #[connect]
    async fn connect(Query(view): Query<View>) -> Result {
        if view.zoom == Some(0) { Err(Error::bad_request("no zoom")) } else { Ok(()) }
    }

    /// Where it is left out, so is its query, whose type need not exist.
    #[cfg(any())]
    #[on(Typing)]
    async fn absent(_: Query<Absent>, _: String) {}

    #[fallback]
    async fn any(Query(params): Query<BoardParams>, _: Incoming) -> Result {
        if params.since.is_some() { Err(Error::bad_request("no replay")) } else { Ok(()) }
    }
}

/// The latest messages, newest first.
#[procedure(get, input = Recent)]
pub(crate) async fn recent(query: Recent) -> Result<SuperJson<Vec<Message>>> {
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

/// What only clients of the profile `v1` know.
fn live() -> Router {
    router![board, watch, viewed]
}

/// One set of events for both directions.
#[derive(Debug, Events)]
pub(crate) enum TwoWay {
    #[event(reply = u8)]
    Count(()),
    #[event(ask = bool)]
    Sure(()),
}

#[procedure(ws, incoming = TwoWay, outgoing = TwoWay)]
pub(crate) mod two_way {
    use super::*;

    #[on(Count)]
    async fn count((): ()) -> u8 {
        1
    }

    #[on(Sure)]
    async fn sure((): ()) {}
}

pub(crate) fn both_ways() -> Router {
    router![two_way]
}

pub(crate) fn contract() -> Contract {
    App::<()>::new()
        .mount("every", every::router())
        .mount("chat", chat())
        .mount("live", live())
        .describe()
}

/// Integers that JavaScript rounds, wherever only sockets have them.
pub(crate) mod wide {
    use super::*;

    #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
    pub(crate) struct Wide {
        id: u64,
    }

    #[derive(Debug, Events)]
    pub(crate) enum In {
        #[event(reply = u64)]
        Count(()),
        #[event(reply = Wide)]
        Find(()),
    }

    #[derive(Debug, Events)]
    pub(crate) enum Out {
        #[event(ask = i64)]
        Choose(()),
    }

    #[derive(Clone, Debug, Deserialize, JsonSchema)]
    #[schemars(inline)]
    pub(crate) struct Since {
        since: u64,
    }

    #[procedure(ws, incoming = In, outgoing = Out, presence = u64)]
    pub(crate) mod socket {
        use super::*;

        #[on(Count)]
        async fn count(Query(query): Query<Since>, _: ()) -> u64 {
            query.since
        }

        #[on(Find)]
        async fn find((): ()) -> Wide {
            Wide { id: 1 }
        }
    }

    pub(crate) fn router() -> Router {
        router![socket]
    }
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
