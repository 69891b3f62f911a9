//! Programs that must compile, with what their handlers do checked where it can be.
#![allow(
    unreachable_pub,
    missing_docs,
    dead_code,
    clippy::pedantic,
    reason = "programs as users write them"
)]

mod program {
    //! The program of the API's description, with the obvious types filled in.
    use axum::extract::{FromRequestParts, State};
    use jstack_runtime::prelude::*;

    /// One chat message.
    #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
    #[serde(rename_all = "camelCase")]
    pub struct Message {
        #[garde(length(chars, min = 1, max = 64))]
        pub room_id: String,
        #[garde(length(chars, min = 1, max = 2000))]
        pub message: String,
        #[garde(length(chars, min = 1, max = 64))]
        pub author: String,
    }

    #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
    pub struct Typing {
        pub room_id: String,
    }

    #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
    pub struct Page {
        pub limit: u32,
    }

    /// The events of the chat.
    #[derive(Clone, Debug, Events)]
    pub enum Chat {
        Message(Message),
        Typing(Typing),
        /// No data: travels as `["cleared", null]`.
        Cleared(()),
    }

    #[derive(Deserialize)]
    pub struct Join {
        room: Option<String>,
    }

    #[derive(Debug)]
    pub struct User;

    impl<S: Sync> FromRequestParts<S> for User {
        type Rejection = Error;

        async fn from_request_parts(parts: &mut axum::http::request::Parts, _: &S) -> Result<Self> {
            match parts.headers.contains_key("authorization") {
                true => Ok(Self),
                false => Err(Error::unauthorized("who are you?")),
            }
        }
    }

    #[derive(Clone, Debug, Default)]
    pub struct Db;

    impl Db {
        async fn save(&self, _: &Message) -> Result<(), std::io::Error> {
            Ok(())
        }
    }

    #[procedure(ws, incoming = Chat, outgoing = Chat)]
    pub mod chat {
        use super::*;

        /// Lives as long as the connection; `connect` returns it, handlers borrow it.
        pub struct Session {
            user: User,
            sent: u64,
        }

        #[connect]
        async fn connect(socket: Socket, user: User, Query(q): Query<Join>) -> Result<Session> {
            socket.join(q.room.unwrap_or_else(|| "general".into())).await?;
            Ok(Session { user, sent: 0 })
        }

        #[on(Message)]
        async fn message(
            session: &mut Session,
            io: Io,
            State(db): State<Db>,
            message: Message,
        ) -> Result {
            session.sent += 1;
            db.save(&message).await?;
            io.to(&message.room_id).message(&message).await
        }

        #[on(Typing)]
        async fn typing(socket: Socket, io: Io, typing: Typing) -> Result {
            io.to(&typing.room_id).except(&socket).typing(&typing).await
        }

        #[on(Cleared)]
        async fn cleared(io: Io, _: ()) -> Result {
            io.all().cleared(&()).await
        }

        #[disconnect]
        async fn disconnect(session: Session, reason: CloseReason) {
            println!("{reason} {:?} {}", session.user, session.sent);
        }
    }

    #[procedure(get, input = Page)]
    pub async fn recent(State(_db): State<Db>, page: Page) -> Result<Vec<Message>> {
        Ok(Vec::with_capacity(page.limit as usize))
    }

    #[procedure(post, input = Message)]
    pub async fn create(
        State(db): State<Db>,
        io: Io<chat::Procedure>,
        new: Message,
    ) -> Result<Message> {
        db.save(&new).await?;
        io.to(&new.room_id).message(&new).await?;
        Ok(new)
    }

    pub fn router() -> Router<Db> {
        router![recent, create, chat]
    }

    #[tokio::test]
    async fn a_handler_is_still_a_function_that_a_test_can_call() {
        assert!(recent(State(Db), Page { limit: 2 }).await.unwrap().is_empty());
    }

    #[test]
    fn the_program_mounts() {
        let app: App = App::new().mount("post", router()).with_state(Db);
        let _ = app;
    }
}
