//! `Call`: one call of a `get` or `post` procedure.

use std::future::IntoFuture;
use std::marker::PhantomData;
use std::pin::Pin;

use http::{HeaderMap, Method};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use super::dial::{Answer, Server, with_token};
use super::headers::put_header;
use super::output;
use super::token::{TokenReason, Tokens};
use crate::error::Result;

/// One call of a procedure, made by [`Client::get`](super::Client::get) and
/// [`Client::post`](super::Client::post). Nothing is sent before it is awaited.
///
/// Cancel safe in so far as a call that is dropped is given up; the server may have done it.
///
/// ```no_run
/// # use jstack_runtime::prelude::*;
/// # use jstack_runtime::client::Client;
/// #[procedure(get)]
/// async fn version() -> String {
///     "1.0".to_owned()
/// }
///
/// # async fn example(client: Client) -> Result {
/// let version = client.get::<version::Procedure>("about/version", &())
///     .header("x-trace", "7")
///     .await?;
/// assert_eq!(version, "1.0");
/// # Ok(())
/// # }
/// # fn main() {}
/// ```
#[must_use = "a call does nothing until it is awaited"]
pub struct Call<T> {
    pub(super) server: Server,
    pub(super) tokens: Tokens,
    pub(super) method: Method,
    /// With its query; or what is wrong with the call.
    pub(super) path: Result<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Vec<u8>>,
    pub(super) output: PhantomData<fn() -> T>,
}

impl<T> Call<T> {
    /// Adds a header to this call.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Err(error) = put_header(&mut self.headers, name, value) {
            self.path = self.path.and(Err(error));
        }
        self
    }

    async fn answer(self) -> Result<Answer> {
        let Self { server, tokens, method, path, headers, body, .. } = self;
        let path = path?;
        let token = tokens.get(TokenReason::Request).await?;
        let first = with_token(headers.clone(), token.as_deref())?;
        let answer = server.call(method.clone(), &path, first, body.clone()).await?;
        if answer.status != http::StatusCode::UNAUTHORIZED || !tokens.renews() {
            return Ok(answer);
        }
        // Once: another refusal is the answer.
        let token = tokens.get(TokenReason::Refused).await?;
        server.call(method, &path, with_token(headers, token.as_deref())?, body).await
    }

    /// The answer as it came, whatever its type: for procedures that answer with `Raw`.
    ///
    /// Fails as the call itself does. Cancel safe as that is: the server may have done what was dropped.
    pub async fn text(self) -> Result<String> {
        let answer = self.answer().await?;
        if !answer.status.is_success() {
            return Err(output::refused(&answer));
        }
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    }
}

impl<T: DeserializeOwned + JsonSchema + 'static> IntoFuture for Call<T> {
    type Output = Result<T>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        let answer = Box::pin(self.answer());
        Box::pin(async move { output::read(&answer.await?) })
    }
}

impl<T> std::fmt::Debug for Call<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
