//! `Client`: where a server is, and who asks.

use std::marker::PhantomData;
use std::sync::Arc;

use http::{HeaderMap, Method};
use serde::Serialize;

use super::address::Address;
use super::call::Call;
use super::dial::Server;
use super::headers::put_header;
use super::input;
use super::network::{Connector, connector};
use super::socket::Dial;
use super::token::{TokenReason, Tokens};
use crate::error::{Error, Result};
use crate::markers::{HttpProcedure, SocketProcedure};

/// A client of one server: see the [module](super). Cheap to clone.
///
/// ```
/// use jstack_runtime::client::Client;
///
/// # fn main() -> jstack_runtime::Result {
/// let client = Client::new("http://127.0.0.1:8080/api")?
///     .bearer("a token")
///     .header("accept-language", "en");
/// # let _ = client;
/// assert!(Client::new("127.0.0.1:8080").is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Client {
    server: Server,
    tokens: Tokens,
    headers: HeaderMap,
    /// What is wrong with a header: it is the error of every call.
    wrong: Option<Arc<str>>,
}

impl Client {
    /// A client of the server whose procedures start at `base`: `http://127.0.0.1:8080/api`.
    ///
    /// Fails if that is not a base URL, and for `https` without the feature `client-tls`.
    pub fn new(base: &str) -> Result<Self> {
        let address = Address::read(base)?;
        let connector = connector(&address)?;
        Ok(Self::over(address, connector))
    }

    /// A client of what `connector` connects to.
    pub(crate) fn over_stream(base: &str, connector: Arc<dyn Connector>) -> Result<Self> {
        Ok(Self::over(Address::read(base)?, connector))
    }

    fn over(address: Address, connector: Arc<dyn Connector>) -> Self {
        let server = Server::new(address, connector);
        Self { server, tokens: Tokens::None, headers: HeaderMap::new(), wrong: None }
    }

    /// Sends `token` with every request, as `Authorization: Bearer …`.
    #[must_use]
    pub fn bearer(mut self, token: impl Into<String>) -> Self {
        self.tokens = Tokens::Fixed(token.into().into());
        self
    }

    /// Asks `token` for a token whenever one is needed; `None` means to go without.
    ///
    /// It is asked before each attempt to connect and before each call, before the credentials of an
    /// open socket end, and once after a refusal with 401. An `Err` of it is tried again later.
    ///
    /// ```
    /// use jstack_runtime::client::{Client, TokenReason};
    ///
    /// # fn main() -> jstack_runtime::Result {
    /// let client = Client::new("http://127.0.0.1:8080/api")?.token(|reason| async move {
    ///     // The one that was refused must not be given again.
    ///     let fresh = matches!(reason, TokenReason::Refused | TokenReason::Expiring);
    ///     Ok(Some(if fresh { "a new token" } else { "a token" }.to_owned()))
    /// });
    /// # let _ = client;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn token<F, Fut>(mut self, token: F) -> Self
    where
        F: Fn(TokenReason) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<String>>> + Send + 'static,
    {
        self.tokens = Tokens::function(token);
        self
    }

    /// Sends this header with every request, those of sockets included.
    ///
    /// What is not a header is the error of the first call.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Err(error) = put_header(&mut self.headers, name, value) {
            self.wrong = Some(error.message().into());
        }
        self
    }

    /// A socket of the procedure whose marker is `P`, at `path`: `post/chat`.
    ///
    /// ```no_run
    /// # use jstack_runtime::prelude::*;
    /// # use jstack_runtime::client::Client;
    /// # #[derive(Clone, Debug, Events)]
    /// # pub enum Chat { Say(String) }
    /// # #[procedure(ws, incoming = Chat, outgoing = Chat)]
    /// # pub mod chat { use super::*; #[on(Say)] async fn say(_: String) {} }
    /// # async fn example(client: Client) -> Result {
    /// let chat = client.ws::<chat::Procedure>("post/chat").connect().await?;
    /// chat.emit().say("hello").await?;
    /// # Ok(())
    /// # }
    /// # fn main() {}
    /// ```
    pub fn ws<P: SocketProcedure>(&self, path: &str) -> Dial<P> {
        let path = self.checked().map(|()| self.server.address.path_of(path));
        Dial::new(self.server.clone(), self.tokens.clone(), path, self.headers.clone())
    }

    /// Calls the `get` procedure whose marker is `P`, at `path`: `post/recent`. Without an input, that
    /// is `&()`.
    ///
    /// The answer is what the procedure returns. Fails with the server's error, its code and its
    /// issues; with `connect` or `lost` where there is no answer; and with `malformed` for one that
    /// does not decode.
    ///
    /// ```no_run
    /// # use jstack_runtime::prelude::*;
    /// # use jstack_runtime::client::Client;
    /// #[derive(Serialize, Deserialize, JsonSchema, Payload)]
    /// struct Page { limit: u32 }
    ///
    /// #[procedure(get, input = Page)]
    /// async fn recent(page: Page) -> Vec<String> {
    ///     vec!["hello".to_owned(); page.limit as usize]
    /// }
    ///
    /// # async fn example(client: Client) -> Result {
    /// let recent = client.get::<recent::Procedure>("post/recent", &Page { limit: 2 }).await?;
    /// assert_eq!(recent, ["hello", "hello"]);
    /// # Ok(())
    /// # }
    /// # fn main() {}
    /// ```
    pub fn get<P: HttpProcedure<Input: Serialize>>(
        &self,
        path: &str,
        input: &P::Input,
    ) -> Call<P::Output> {
        let query = input::query(input);
        let path = self.checked().and_then(|()| Ok(self.server.address.path_of(path) + &query?));
        self.call(Method::GET, path, None)
    }

    /// Calls the `post` procedure whose marker is `P`, at `path`: `post/create`. As [`Client::get`].
    pub fn post<P: HttpProcedure<Input: Serialize>>(
        &self,
        path: &str,
        input: &P::Input,
    ) -> Call<P::Output> {
        let path = self.checked().map(|()| self.server.address.path_of(path));
        match input::body(input) {
            Ok(body) => self.call(Method::POST, path, body),
            Err(error) => self.call(Method::POST, path.and(Err(error)), None),
        }
    }

    fn call<T>(&self, method: Method, path: Result<String>, body: Option<Vec<u8>>) -> Call<T> {
        Call {
            server: self.server.clone(),
            tokens: self.tokens.clone(),
            method,
            path,
            headers: self.headers.clone(),
            body,
            output: PhantomData,
        }
    }

    fn checked(&self) -> Result {
        match &self.wrong {
            Some(wrong) => Err(Error::bad_request(wrong.to_string())),
            None => Ok(()),
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // No header: there may be credentials among them.
        f.debug_struct("Client")
            .field("server", &self.server.address.authority)
            .finish_non_exhaustive()
    }
}
