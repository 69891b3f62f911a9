//! `App::test`: an application served in memory, for its tests.

use std::sync::Arc;

use serde::Serialize;

use super::build::Host;
use super::builder::App;
use crate::app_context::AppContext;
use crate::broker::Memory;
use crate::client::{Call, Client, Connecting, Connector, Dial, Stream};
use crate::error::{BoxError, Result};
use crate::markers::{HttpProcedure, SocketProcedure};
use crate::server::{InMemory, Start};
use crate::ws::Io;

/// The address of a server in memory: a name that `hosts` always allows.
const ADDRESS: &str = "http://localhost";

/// An application that is served in memory, from [`App::test`].
///
/// Dropping the last clone stops it: no new connections. Sockets end with their clients, or with
/// [`drain`](Self::drain).
///
/// ```
/// # use jstack_runtime::prelude::*;
/// # use jstack_runtime::TestServer;
/// #[procedure(get)]
/// async fn version() -> String { "1.0".to_owned() }
///
/// async fn server() -> Result<TestServer, BoxError> {
///     App::new().mount("about", router![version]).test().await
/// }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// assert_eq!(server().await?.get::<version::Procedure>("about/version", &()).await?, "1.0");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct TestServer {
    client: Client,
    memory: Arc<InMemory>,
    context: Arc<AppContext>,
}

impl App {
    /// Serves in memory, without a port, over the Rust client.
    ///
    /// Routes, layers, extractors, limits, the profile `v1` and frames are those of production. The
    /// broker is the embedded one, unless [`App::broker`] sets another. Nothing in it reads a real clock:
    /// under `tokio::time::pause`, pings, timeouts and tokens pass as fast as the test runs.
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
            direct: built.direct,
            context: built.context,
            proxies: built.settings.proxies.clone(),
            #[cfg(feature = "tls")]
            tls: None,
        }));
        let client =
            Client::over_stream(&format!("{ADDRESS}{base}"), Arc::new(Pipes(memory.clone())))?;
        // Asynchronous like every other way of serving, so that it may wait in a later version.
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

    /// Prepares a socket of the procedure whose marker is `P`: see [`Client::ws`].
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// # use jstack_runtime::TestServer;
    /// # use jstack_runtime::client::Incoming;
    /// # #[derive(Clone, Debug, Events)]
    /// # pub enum Chat { Say(String) }
    /// # #[procedure(ws, incoming = Chat, outgoing = Chat)]
    /// # pub mod chat {
    /// #     use super::*;
    /// #     #[on(Say)]
    /// #     async fn say(socket: Socket, text: String) -> Result { socket.emit().say(&text).await }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), BoxError> {
    /// # let server = App::new().mount("post", router![chat]).test().await?;
    /// let mut ann = server.ws::<chat::Procedure>("post/chat").connect().await?;
    /// ann.emit().say("hi").await?;
    /// assert!(matches!(ann.next().await, Some(Incoming::Event(Chat::Say(text), _)) if text == "hi"));
    /// # Ok(()) }
    /// ```
    pub fn ws<P: SocketProcedure>(&self, path: &str) -> Dial<P> {
        self.client.ws(path)
    }

    /// Calls the `get` procedure whose marker is `P`: see [`Client::get`].
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// #[procedure(get)]
    /// async fn count() -> u32 { 3 }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), BoxError> {
    /// let server = App::new().mount("post", router![count]).test().await?;
    /// assert_eq!(server.get::<count::Procedure>("post/count", &()).await?, 3);
    /// # Ok(()) }
    /// ```
    pub fn get<P: HttpProcedure<Input: Serialize>>(
        &self,
        path: &str,
        input: &P::Input,
    ) -> Call<P::Output> {
        self.client.get::<P>(path, input)
    }

    /// Calls the `post` procedure whose marker is `P`: see [`Client::post`].
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// #[derive(Deserialize, Serialize, JsonSchema, Payload)]
    /// struct Text { text: String }
    ///
    /// #[procedure(post, input = Text)]
    /// async fn shout(input: Text) -> String { input.text.to_uppercase() }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), BoxError> {
    /// let server = App::new().mount("text", router![shout]).test().await?;
    /// let input = Text { text: "hi".to_owned() };
    /// assert_eq!(server.post::<shout::Procedure>("text/shout", &input).await?, "HI");
    /// # Ok(()) }
    /// ```
    pub fn post<P: HttpProcedure<Input: Serialize>>(
        &self,
        path: &str,
        input: &P::Input,
    ) -> Call<P::Output> {
        self.client.post::<P>(path, input)
    }

    /// Returns the [`Io`] of the procedure whose marker is `P`, to emit from the test: see [`App::io`].
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// # use jstack_runtime::client::Incoming;
    /// # #[derive(Clone, Debug, Events)]
    /// # pub enum Chat { Say(String) }
    /// # #[procedure(ws, incoming = Chat, outgoing = Chat)]
    /// # pub mod chat {
    /// #     use super::*;
    /// #     #[on(Say)]
    /// #     async fn say(_: String) {}
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), BoxError> {
    /// # let server = App::new().mount("post", router![chat]).test().await?;
    /// # let mut ann = server.ws::<chat::Procedure>("post/chat").connect().await?;
    /// server.io::<chat::Procedure>().all().say("tick").await?;
    /// assert!(matches!(ann.next().await, Some(Incoming::Event(Chat::Say(text), _)) if text == "tick"));
    /// # Ok(()) }
    /// ```
    pub fn io<P: SocketProcedure>(&self) -> Io<P> {
        Io::new(self.context.hub_for::<P>())
    }

    /// Drains as a server does at its end: no new connections, and sockets are closed with 1012.
    ///
    /// It returns when all are gone, at the latest after [`Limits::drain_deadline`](crate::Limits).
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), BoxError> {
    /// let server = App::new().test().await?;
    /// server.drain().await;
    /// # Ok(()) }
    /// ```
    pub async fn drain(&self) {
        self.memory.drain().await;
    }
}

impl std::fmt::Debug for TestServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestServer").finish_non_exhaustive()
    }
}
