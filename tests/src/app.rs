//! An application under attack: a chat, and HTTP procedures beside it.

#![allow(
    clippy::missing_panics_doc,
    clippy::single_match_else,
    clippy::decimal_bitwise_operands,
    reason = "for tests"
)]

use jstack_runtime::__private::{
    EncodedReply, Handlers, Procedure, ProcedureInfo, ServeFn, unreplied,
};
use jstack_runtime::{
    App, BoxError, CloseReason, Error, Events, Io, Limits, Result, Router, Socket, SocketProcedure,
};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

/// The events of the chat.
#[derive(Clone, Debug, Events)]
pub enum Chat {
    /// To everyone in the room `general`.
    Say(String),
    /// To the sender alone.
    Echo(String),
    /// Any JSON; answers with `echo` of `"ok"`.
    Anything(Value),
    /// Joins the room of this name; answers with `echo` of it.
    Join(String),
    /// Answers with `echo` of the socket's id.
    Id(()),
    /// Panics.
    Panic(()),
    /// Fails with an internal error whose cause is the text; with `panic please` or `fail please`, so
    /// that the error handler does that.
    Fail(String),
    /// Never ends.
    Hang(()),
    /// Emits `echo` to its own socket until that fails, and then says so to the room `general`.
    Flood(()),
    /// Emits `id` to a room that nobody is in, for ever.
    FloodRoom(()),
    /// Blocks its thread for an hour.
    Block(()),
    /// Closes with the text as its reason; `panic please` and `fail please` make the disconnect
    /// handler do that.
    #[event(rename = "close")]
    End(String),
    /// Makes the session panic when it is dropped.
    PanicInDrop(()),
}

/// The chat's marker.
#[derive(Clone, Copy, Debug)]
pub struct ChatProcedure;

/// The extractors that a connection keeps.
#[derive(Debug, Default)]
pub struct Session {
    panic_in_drop: bool,
}

impl Drop for Session {
    #[allow(clippy::panic, reason = "what is tested")]
    fn drop(&mut self) {
        assert!(!self.panic_in_drop, "in drop");
    }
}

/// What handlers get.
#[derive(Debug)]
pub struct Kept {
    socket: Socket<ChatProcedure>,
    io: Io<ChatProcedure>,
    gone: UnboundedSender<CloseReason>,
}

/// The application's state: where the reasons of ended connections go.
#[derive(Clone, Debug)]
pub struct State {
    /// One for each run of the disconnect handler.
    pub gone: UnboundedSender<CloseReason>,
}

impl SocketProcedure for ChatProcedure {
    type Incoming = Chat;
    type Outgoing = Chat;
}

impl Procedure<State> for ChatProcedure {
    const INFO: ProcedureInfo = ProcedureInfo::ws::<Self>("chat");

    const CALL: ServeFn<State> = |mut cx| {
        Box::pin(async move {
            let socket = cx.extract_for_socket::<Socket<Self>>().await?;
            let io = cx.extract_for_socket::<Io<Self>>().await?;
            let axum::extract::State(state) =
                cx.extract_for_socket::<axum::extract::State<State>>().await?;
            let query = cx.extract_for_socket::<http::Uri>().await?;
            let connected = connect(&socket, query.query().unwrap_or_default()).await;
            let () = cx.connected(connected)?;
            cx.serve::<Self>(Session::default(), Kept { socket, io, gone: state.gone })
        })
    };
}

#[allow(clippy::panic, reason = "what is tested")]
async fn connect(socket: &Socket<ChatProcedure>, query: &str) -> Result {
    match query {
        "panic" => panic!("in connect"),
        "hang" => std::future::pending().await,
        "alone" => Ok(()),
        _ => socket.join("general").await,
    }
}

#[allow(clippy::panic, reason = "what is tested")]
async fn handle(kept: &Kept, session: &mut Session, event: Chat) -> Result {
    let answer = |text: String| async move { kept.socket.emit().echo(&text).await };
    match event {
        Chat::Say(text) => kept.io.to("general").say(&text).await,
        Chat::Echo(text) => answer(text).await,
        Chat::Anything(_) => answer("ok".into()).await,
        Chat::Join(room) => {
            kept.socket.join(&room).await?;
            answer(room).await
        }
        Chat::Id(()) => answer(kept.socket.id().to_string()).await,
        Chat::Panic(()) => panic!("in a handler"),
        Chat::Fail(cause) if cause.ends_with("please") => Err(Error::bad_request(cause)),
        Chat::Fail(cause) => Err(Error::internal(cause)),
        Chat::Hang(()) => std::future::pending().await,
        Chat::Flood(()) => loop {
            if let Err(error) = kept.socket.emit().echo(&"x".repeat(100)).await {
                return kept.io.to("general").say(error.code()).await;
            }
        },
        Chat::FloodRoom(()) => loop {
            kept.io.to("nobody").id(&()).await?;
        },
        Chat::Block(()) => {
            std::thread::sleep(std::time::Duration::from_secs(3600));
            Ok(())
        }
        Chat::End(reason) => {
            kept.socket.close(3000, reason);
            Ok(())
        }
        Chat::PanicInDrop(()) => {
            session.panic_in_drop = true;
            kept.socket.close(1000, "");
            Ok(())
        }
    }
}

impl Handlers for ChatProcedure {
    type Session = Session;
    type Extractors = Kept;

    async fn event(kept: &Kept, session: &mut Session, event: Chat) -> Result<EncodedReply> {
        unreplied(handle(kept, session, event).await)
    }

    #[allow(clippy::panic, reason = "what is tested")]
    async fn error(_: &Kept, _: &mut Session, error: &Error) -> Result {
        assert!(error.message() != "panic please", "in error");
        if error.message() == "fail please" {
            return Err(Error::internal("the error handler's own"));
        }
        Ok(())
    }

    #[allow(clippy::panic, reason = "what is tested")]
    async fn disconnect(kept: Kept, _session: Session, reason: CloseReason) -> Result {
        let wish = reason.reason().to_owned();
        let _ = kept.gone.send(reason);
        assert!(wish != "panic please", "in disconnect");
        if wish == "fail please" {
            return Err(Error::conflict("the disconnect handler's own"));
        }
        Ok(())
    }
}

/// `GET /api/post/recent`.
#[derive(Clone, Copy, Debug)]
pub struct Recent;

impl Procedure<State> for Recent {
    const INFO: ProcedureInfo = ProcedureInfo::get::<String, _>("recent");

    const CALL: ServeFn<State> =
        |_| Box::pin(async move { jstack_runtime::__private::Answer::answer("recent".to_owned()) });
}

/// `POST /api/post/create` with any JSON; `"panic please"` makes it panic.
#[derive(Clone, Copy, Debug)]
pub struct Create;

impl Procedure<State> for Create {
    const INFO: ProcedureInfo = ProcedureInfo::post::<Value, _>("create");

    #[allow(clippy::panic, reason = "what is tested")]
    const CALL: ServeFn<State> = |mut cx| {
        Box::pin(async move {
            let input = jstack_runtime::__private::inputs::<Value>().read(cx.input().await?)?.0;
            assert!(input != "panic please", "in a POST handler");
            jstack_runtime::__private::Answer::answer(input)
        })
    };
}

/// `POST /api/post/touch` without input: what a form of a foreign page would reach first.
#[derive(Clone, Copy, Debug)]
pub struct Touch;

impl Procedure<State> for Touch {
    const INFO: ProcedureInfo = ProcedureInfo::post::<(), _>("touch");

    const CALL: ServeFn<State> = |mut cx| {
        Box::pin(async move {
            cx.no_input().await?;
            jstack_runtime::__private::Answer::answer("touched".to_owned())
        })
    };
}

/// `GET /api/post/broken` panics.
#[derive(Clone, Copy, Debug)]
pub struct Broken;

impl Procedure<State> for Broken {
    const INFO: ProcedureInfo = ProcedureInfo::get::<String, _>("broken");

    #[allow(clippy::panic, reason = "what is tested")]
    const CALL: ServeFn<State> = |_| Box::pin(async move { panic!("in a GET handler") });
}

/// The application, with these limits.
pub fn app(limits: Limits, gone: UnboundedSender<CloseReason>) -> App {
    let router = Router::new()
        .procedure(ChatProcedure)
        .procedure(Recent)
        .procedure(Create)
        .procedure(Touch)
        .procedure(Broken);
    App::new().limits(limits).mount("post", router).with_state(State { gone })
}

/// Emits `say` to the room `general`.
pub async fn say(io: &Io<ChatProcedure>, text: &str) -> Result<(), BoxError> {
    io.to("general").say(text).await.map_err(|error| error.to_string().into())
}
