//! The server and the client of these tests.

use std::net::SocketAddr;
use std::time::Duration;

use jstack_runtime::prelude::*;
use jstack_tests::Client;
use jstack_tests::server::limits;
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate, Payload)]
pub struct Draft {
    #[garde(length(chars, min = 1, max = 20))]
    pub text: String,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
pub struct Saved {
    #[garde(range(min = 1))]
    pub id: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
#[serde(rename_all = "camelCase")]
pub struct Cursor {
    pub user_id: u32,
    pub x: u32,
}

#[derive(Clone, Debug, Events)]
pub enum ToServer {
    /// Stores a draft and answers with what was stored; `bad` makes an answer that breaks its rules.
    #[event(reply = Saved)]
    Save(Draft),
    /// No reply; goes to everybody.
    Say(String),
    /// Asks its own client and says what it answered.
    Question(()),
    /// Asks with a deadline of 50 ms.
    Impatient(()),
    /// Runs for some milliseconds.
    Work(u64),
    #[event(latest = user_id)]
    Cursor(Cursor),
    #[event(volatile)]
    Typing(()),
    /// Closes everybody in the room.
    End(u16),
}

#[derive(Clone, Debug, Events)]
pub enum ToClient {
    Said(String),
    Hello(String),
    #[event(ask = u32)]
    Confirm(String),
    #[event(latest = user_id)]
    Moved(Cursor),
}

/// Whoever the token names; `nobody` is refused.
#[derive(Clone)]
pub struct User(String);

impl<S: Sync> axum::extract::FromRequestParts<S> for User {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, state: &S) -> Result<Self> {
        let Ok(Bearer(token)) = Bearer::from_request_parts(parts, state).await else {
            return Ok(Self("anonymous".to_owned()));
        };
        match &*token {
            "early" => {
                Err(Error::too_many_requests("wait a moment")
                    .retry_after(Duration::from_millis(1500)))
            }
            "nobody" => Err(Error::unauthorized("no such user")
                .with_issues(vec![Issue::new("token", "is unknown")])),
            name => Ok(Self(name.to_owned())),
        }
    }
}

#[procedure(ws, incoming = ToServer, outgoing = ToClient)]
pub mod talk {
    use super::*;

    pub struct Session {
        name: String,
    }

    #[connect]
    async fn connect(socket: Socket, User(name): User) -> Result<Session> {
        socket.join("room").await?;
        if name == "short" {
            socket.expires_in(Duration::from_secs(60));
        }
        socket.emit().hello(&name).await?;
        Ok(Session { name })
    }

    #[on(Save)]
    async fn save(draft: Draft) -> Result<Saved> {
        match draft.text.as_str() {
            "taken" => Err(Error::conflict("that name is taken")),
            "soon" => {
                let busy = Error::too_many_requests("wait a moment");
                Err(busy.retry_after(Duration::from_micros(1_499_001)))
            }
            "bad" => Ok(Saved { id: 0 }),
            _ => Ok(Saved { id: 7 }),
        }
    }

    #[on(Say)]
    async fn say(io: Io, text: String) -> Result {
        io.to("room").said(&text).await
    }

    #[on(Question)]
    async fn question(socket: Socket, io: Io, _: ()) -> Result {
        let answer = match socket.ask().confirm("sure?").await {
            Ok(number) => format!("answered {number}"),
            Err(error) => format!("failed {}: {}", error.code(), error.message()),
        };
        io.to("room").said(&answer).await
    }

    #[on(Impatient)]
    async fn impatient(socket: Socket, _: ()) -> Result {
        match socket.ask_within(Duration::from_millis(50)).confirm("quick?").await {
            Ok(number) => socket.emit().said(&number.to_string()).await,
            Err(error) => socket.emit().said(error.code()).await,
        }
    }

    #[on(Work)]
    async fn work(millis: u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    #[on(Cursor)]
    async fn cursor(io: Io, cursor: Cursor) -> Result {
        io.to("room").moved(&cursor).await
    }

    #[on(Typing)]
    async fn typing(_: ()) {}

    #[on(End)]
    async fn end(io: Io, code: u16) -> Result {
        io.to("room").close(code, "signed out").await
    }

    #[refresh]
    async fn refresh(session: &mut Session, socket: Socket, User(name): User) -> Result {
        if name != session.name {
            return Err(Error::forbidden("another user"));
        }
        socket.expires_in(Duration::from_secs(120));
        Ok(())
    }
}

/// The function form: a reply, a reply that is forgotten, and the same emits.
#[procedure(ws, incoming = ToServer, outgoing = ToClient)]
pub async fn loops(
    socket: Socket<loops::Procedure>,
    mut events: Receiver<loops::Procedure>,
) -> Result {
    while let Some(event) = events.recv().await? {
        match event {
            ToServer::Save(draft) if draft.text == "forget" => {}
            ToServer::Save(_) => events.reply().save(&Saved { id: 9 }).await?,
            ToServer::Say(text) => socket.emit().said(&text).await?,
            ToServer::Work(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
            _ => {}
        }
    }
    Ok(())
}

pub(crate) async fn start_with(limits: Limits) -> SocketAddr {
    serve(App::new().limits(limits)).await
}

pub(crate) async fn serve(app: App) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = app.mount("post", router![talk, loops]);
    tokio::spawn(app.serve_on_until(listener, std::future::pending()));
    address
}

pub(crate) async fn start() -> SocketAddr {
    start_with(limits()).await
}

pub(crate) fn bearer(token: &str) -> String {
    use std::fmt::Write as _;
    // base64url without padding.
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = "jstack.bearer.".to_owned();
    for chunk in token.as_bytes().chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for n in 0..=chunk.len() {
            write!(text, "{}", DIGITS[(bits >> (18 - 6 * n) & 63) as usize] as char).unwrap();
        }
    }
    text
}

/// A client of the profile `v1`.
pub(crate) struct V1(pub(crate) Client);

impl V1 {
    pub(crate) async fn open(address: SocketAddr, path: &str, offer: &str) -> Self {
        let more = format!("sec-websocket-protocol: {offer}\r\n");
        Self(Client::open(address, path, &more).await.unwrap())
    }

    pub(crate) async fn talk(address: SocketAddr) -> Self {
        let mut this = Self::open(address, "/api/post/talk", "jstack.v1").await;
        assert_eq!(this.next().await[0], "$welcome");
        assert_eq!(this.next().await[0], "hello");
        this
    }

    pub(crate) async fn next(&mut self) -> Value {
        let text = self.0.next_text().await;
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("the connection ended: {text:?}"))
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.0.text(&frame.to_string()).await.unwrap();
    }

    pub(crate) async fn request(&mut self, event: &str, data: Value) -> Value {
        self.send(json!([event, data, { "i": "q1" }])).await;
        let answer = self.next().await;
        assert_eq!(answer[2], json!({ "i": "q1" }), "{answer}");
        answer
    }
}
