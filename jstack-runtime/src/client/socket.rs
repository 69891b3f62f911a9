//! `Dial` and `Socket`: a connection to a WebSocket procedure.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use serde::Serialize;

use super::core::{Item, Options, Phase};
use super::dial::Server;
use super::engine;
use super::failure;
use super::headers::put_header;
use super::incoming::Incoming;
use super::input;
use super::sender::Sender;
use super::shared::{Hook, Shared};
use super::status::Status;
use super::token::Tokens;
use crate::error::Result;
use crate::events::{EmitFuture, Events, Target, To};
use crate::markers::SocketProcedure;
use crate::payload::RawPayload;

/// A socket that is about to be opened, made by [`Client::ws`](super::Client::ws).
///
/// ```no_run
/// # use jstack_runtime::prelude::*;
/// # use jstack_runtime::client::Client;
/// # use std::time::Duration;
/// # #[derive(Clone, Debug, Events)]
/// # pub enum Chat { Join(String) }
/// # #[procedure(ws, incoming = Chat, outgoing = Chat)]
/// # pub mod chat { use super::*; #[on(Join)] async fn join(_: String) {} }
/// #[derive(Serialize)]
/// struct Params { room: String }
///
/// # async fn example(client: Client) -> Result {
/// let chat = client.ws::<chat::Procedure>("post/chat")
///     .params(&Params { room: "general".into() })
///     .request_timeout(Duration::from_secs(3))
///     // Whenever it is open, also after a reconnect, before anything that waited.
///     .on_open(|emit| emit.join("general"))
///     .connect()
///     .await?;
/// # Ok(())
/// # }
/// # fn main() {}
/// ```
#[must_use = "a socket is not opened before `connect` or `open`"]
pub struct Dial<P: SocketProcedure> {
    server: Server,
    tokens: Tokens,
    path: Result<String>,
    headers: HeaderMap,
    hooks: Vec<Hook>,
    options: Options,
    procedure: PhantomData<fn() -> P>,
}

impl<P: SocketProcedure> Dial<P> {
    pub(super) fn new(
        server: Server,
        tokens: Tokens,
        path: Result<String>,
        headers: HeaderMap,
    ) -> Self {
        let options = Options { renews: tokens.renews(), ..Options::default() };
        let (hooks, procedure) = (Vec::new(), PhantomData);
        Self { server, tokens, path, headers, hooks, options, procedure }
    }

    /// Sends this header with the handshake.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Err(error) = put_header(&mut self.headers, name, value) {
            self.path = self.path.and(Err(error));
        }
        self
    }

    /// Sends the fields of `params` in the query, which `#[connect]` reads with `Query`. Fields are
    /// texts, numbers and booleans; those that are `None` are left out.
    pub fn params<T: Serialize>(mut self, params: &T) -> Self {
        self.path = self.path.and_then(|path| Ok(path + &input::params(params)?));
        self
    }

    /// Emits something whenever the socket is open: after the first time and after each reconnect,
    /// before anything that waited. Several calls add up.
    pub fn on_open<F>(mut self, emit: F) -> Self
    where
        F: Fn(<P::Incoming as Events>::Emitter<'_>) -> EmitFuture + Send + Sync + 'static,
    {
        self.hooks.push(Arc::new(move |publisher| {
            emit(P::Incoming::emitter(Target::new(publisher, To::All)))
        }));
        self
    }

    /// Offers no profile: for servers that fail where it is offered, and tests of those.
    pub fn base_profile(mut self) -> Self {
        self.options.base_only = true;
        self
    }

    /// How long an attempt to connect may take; 10 s unless set.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.options.connect_timeout = timeout;
        self
    }

    /// How long a request may take, the wait for a connection included; 10 s unless set.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.options.request_timeout = timeout;
        self
    }

    /// The longest delay before the first attempt to come back, and before any: 500 ms and 20 s unless
    /// set. It doubles with each attempt, and each delay is a random part of it.
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.options.backoff = (first, longest);
        self
    }

    /// How long a server of the base profile may be silent before it is asked for a sign of life, and
    /// how much longer than promised any server may be: 25 s and 15 s unless set.
    pub fn heartbeat(mut self, silence: Duration, patience: Duration) -> Self {
        self.options.heartbeat = (silence, patience);
        self
    }

    /// How many events are kept while there is no connection, and for how long: 100 for 30 s unless
    /// set.
    pub fn queue(mut self, events: usize, age: Duration) -> Self {
        self.options.queue = (events, age);
        self
    }

    /// Connects, and waits until the socket is open. After that it comes back by itself.
    ///
    /// Fails if the first attempt does, with the server's error where it refused, and else with the
    /// code `connect` or `timeout`. Cancel safe in so far as a dropped `connect` is given up: nothing of
    /// it is left, and nothing was emitted but what `on_open` sends.
    pub async fn connect(self) -> Result<Socket<P>> {
        let socket = self.open()?;
        let mut statuses = socket.sender.shared.core().status.subscribe();
        loop {
            match &*statuses.borrow_and_update() {
                Status::Open { .. } => break,
                Status::Closed { cause, .. } => {
                    return Err(cause.as_deref().map_or_else(failure::closed, failure::copy));
                }
                Status::Connecting { attempt } if *attempt > 1 => {
                    let cause = socket.sender.shared.core().cause();
                    let unknown = || failure::connect("no connection came about");
                    // The next attempt is for a token that was refused.
                    if !socket.sender.shared.core().refused {
                        return Err(cause.as_deref().map_or_else(unknown, failure::copy));
                    }
                }
                _ => {}
            }
            if statuses.changed().await.is_err() {
                return Err(failure::closed());
            }
        }
        Ok(socket)
    }

    /// Connects without waiting for it, and goes on until it succeeds: see [`Sender::status`].
    ///
    /// Fails only for a header or a param that cannot be sent.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn open(self) -> Result<Socket<P>> {
        let Self { server, tokens, path, headers, hooks, options, .. } = self;
        let shared = Arc::new(Shared::new(server, tokens, path?, headers, hooks, options));
        tokio::spawn(engine::run(shared.clone()));
        Ok(Socket { sender: Sender::new(shared) })
    }
}

/// A connection to a WebSocket procedure, which comes back by itself.
///
/// It is also a [`Sender`], whose methods it has. Dropping the last of both closes the connection,
/// after what was emitted is sent.
///
/// ```no_run
/// # use jstack_runtime::prelude::*;
/// # use jstack_runtime::client::{Client, Incoming};
/// # #[derive(Clone, Debug, Events)]
/// # pub enum Chat { Say(String) }
/// # #[procedure(ws, incoming = Chat, outgoing = Chat)]
/// # pub mod chat { use super::*; #[on(Say)] async fn say(_: String) {} }
/// # async fn example(client: Client) -> Result {
/// let mut chat = client.ws::<chat::Procedure>("post/chat").connect().await?;
/// let sender = chat.sender();
/// tokio::spawn(async move { sender.emit().say("hello").await });
/// while let Some(incoming) = chat.next().await {
///     if let Incoming::Event(Chat::Say(text), _) = incoming {
///         println!("{text}");
///     }
/// }
/// # Ok(())
/// # }
/// # fn main() {}
/// ```
pub struct Socket<P: SocketProcedure> {
    sender: Sender<P>,
}

impl<P: SocketProcedure> Socket<P> {
    /// The next event, gap or error; `None` once the socket is closed for good and nothing is left:
    /// [`Sender::status`] then says why.
    ///
    /// 1024 of them wait for it. Beyond, the oldest are dropped, and the next thing that it returns is
    /// a gap with the reason [`Overload`](super::GapReason::Overload).
    ///
    /// Cancel safe: what is not returned is returned by the next call.
    pub async fn next(&mut self) -> Option<Incoming<P::Outgoing>> {
        let shared = &self.sender.shared;
        let item = shared.when(|core| match core.pop() {
            None if core.phase != Phase::Closed => None,
            item => Some(item),
        });
        Some(match item.await? {
            Item::Gap(gap) => Incoming::Gap(gap),
            Item::Error { event, error } => Incoming::Error { event, error },
            Item::Event { name, data, meta } => {
                match P::Outgoing::decode(&name, RawPayload::new(&data)) {
                    Ok(event) => Incoming::Event(event, meta),
                    Err(error) => Incoming::Error { event: Some(name), error },
                }
            }
        })
    }

    /// Another handle of this connection, which emits, asks and closes. Cheap to clone.
    pub fn sender(&self) -> Sender<P> {
        self.sender.clone()
    }
}

impl<P: SocketProcedure> Deref for Socket<P> {
    type Target = Sender<P>;

    fn deref(&self) -> &Sender<P> {
        &self.sender
    }
}

impl<P: SocketProcedure> fmt::Debug for Socket<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("status", &self.sender.status()).finish_non_exhaustive()
    }
}

impl<P: SocketProcedure> fmt::Debug for Dial<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dial").field("path", &self.path).finish_non_exhaustive()
    }
}
