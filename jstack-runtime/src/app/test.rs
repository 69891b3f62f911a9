//! `App::test`: an application served in memory, for its tests.

use std::sync::Arc;

use serde::Serialize;

use super::build::Host;
use super::builder::App;
use crate::app_context::AppContext;
use crate::broker::Memory;
use crate::client::{Call, Client, Connecting, Connector, Dial, Stream};
use crate::error::{BoxError, Result};
use crate::procedure::HttpProcedure;
use crate::server::{InMemory, Start};
use crate::ws::{Io, SocketProcedure};

/// What clients of a server in memory connect to: a name that `hosts` always allows.
const ADDRESS: &str = "http://localhost";

/// An application that is served in memory, for its tests: see [`App::test`].
///
/// It stops when it is dropped: no more connections. Sockets end with their clients, or with
/// [`drain`](Self::drain).
#[derive(Clone)]
pub struct TestServer {
    client: Client,
    memory: Arc<InMemory>,
    context: Arc<AppContext>,
}

impl App {
    /// Serves in memory, without a port, over the Rust client.
    ///
    /// Everything between is what production has: routes, layers, extractors, limits, the profile
    /// `v1`, frames. The broker is the embedded one, unless [`App::broker`] sets another. Nothing in it
    /// reads a real clock, so that `tokio::time::pause` stops its time: pings, timeouts and tokens then
    /// pass as fast as the test runs.
    ///
    /// Fails where [`App::try_into_router`] does.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// # use jstack_runtime::client::Incoming;
    /// #[derive(Clone, Debug, Events)]
    /// pub enum Chat {
    ///     Say(String),
    /// }
    ///
    /// #[procedure(ws, incoming = Chat, outgoing = Chat)]
    /// pub mod chat {
    ///     use super::*;
    ///
    ///     #[connect]
    ///     async fn connect(socket: Socket, Bearer(name): Bearer) -> Result {
    ///         socket.join("general").await?;
    ///         socket.emit().say(&format!("hello {name}")).await
    ///     }
    ///
    ///     #[on(Say)]
    ///     async fn say(io: Io, text: String) -> Result {
    ///         io.to("general").say(&text).await
    ///     }
    /// }
    ///
    /// // With `#[tokio::test]`, and with `start_paused = true` if time matters.
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), BoxError> {
    /// let server = App::new().mount("post", router![chat]).test().await?;
    /// let mut ann = server.ws::<chat::Procedure>("post/chat")
    ///     .header("authorization", "Bearer ann")
    ///     .connect()
    ///     .await?;
    /// let Some(Incoming::Event(Chat::Say(text), _)) = ann.next().await else { panic!() };
    /// assert_eq!(text, "hello ann");
    ///
    /// ann.emit().say("hi").await?;
    /// let Some(Incoming::Event(Chat::Say(text), _)) = ann.next().await else { panic!() };
    /// assert_eq!(text, "hi");
    ///
    /// let refused = server.ws::<chat::Procedure>("post/chat").connect().await.unwrap_err();
    /// assert_eq!(refused.status(), 401);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn test(mut self) -> Result<TestServer, BoxError> {
        self.common.broker.get_or_insert_with(|| Box::new(Memory::new()));
        let base = self.common.base.clone();
        let built = self.build(Host::OwnServer)?;
        let context = built.context.clone();
        let memory = Arc::new(InMemory::new(Start {
            router: built.router,
            context: built.context,
            proxies: built.settings.proxies.clone(),
            #[cfg(feature = "tls")]
            tls: None,
        }));
        let client =
            Client::over_stream(&format!("{ADDRESS}{base}"), Arc::new(Pipes(memory.clone())))?;
        // As every way of serving: one of them may wait for something one day.
        std::future::ready(Ok(TestServer { client, memory, context })).await
    }
}

/// Connects to a server in memory.
struct Pipes(Arc<InMemory>);

impl Connector for Pipes {
    fn connect(&self) -> Connecting {
        let opened = self.0.open().map(|stream| Box::new(stream) as Box<dyn Stream>);
        Box::pin(std::future::ready(opened))
    }
}

impl TestServer {
    /// A client of this server, for tokens and headers that all calls have.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), BoxError> {
    /// #[procedure(get)]
    /// async fn name(Bearer(name): Bearer) -> String {
    ///     name
    /// }
    ///
    /// let server = App::new().mount("who", router![name]).test().await?;
    /// let ann = server.client().bearer("ann");
    /// assert_eq!(ann.get::<name::Procedure>("who/name", &()).await?, "ann");
    /// # Ok(())
    /// # }
    /// ```
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// A socket of the procedure whose marker is `P`: see [`Client::ws`].
    pub fn ws<P: SocketProcedure>(&self, path: &str) -> Dial<P> {
        self.client.ws(path)
    }

    /// Calls the `get` procedure whose marker is `P`: see [`Client::get`].
    pub fn get<P: HttpProcedure<Input: Serialize>>(
        &self,
        path: &str,
        input: &P::Input,
    ) -> Call<P::Output> {
        self.client.get::<P>(path, input)
    }

    /// Calls the `post` procedure whose marker is `P`: see [`Client::post`].
    pub fn post<P: HttpProcedure<Input: Serialize>>(
        &self,
        path: &str,
        input: &P::Input,
    ) -> Call<P::Output> {
        self.client.post::<P>(path, input)
    }

    /// Emits to the procedure whose marker is `P` from outside of handlers.
    pub fn io<P: SocketProcedure>(&self) -> Io<P> {
        Io::new(self.context.hub_for::<P>())
    }

    /// Drains as at the end of a server: no new connections, and sockets are closed with 1012. It
    /// returns when all are gone, at the latest after [`Limits::drain_deadline`](crate::Limits).
    pub async fn drain(&self) {
        self.memory.drain().await;
    }
}

impl std::fmt::Debug for TestServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestServer").finish_non_exhaustive()
    }
}
