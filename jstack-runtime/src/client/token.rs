//! Tokens: fixed, or asked for when one is needed.

use std::pin::Pin;
use std::sync::Arc;

use crate::error::Result;

/// Why a client's token function is asked.
///
/// ```
/// use jstack_runtime::client::TokenReason;
///
/// /// Whether a token that is kept must not be given again.
/// fn needs_another(reason: TokenReason) -> bool {
///     matches!(reason, TokenReason::Refused | TokenReason::Expiring)
/// }
/// assert!(needs_another(TokenReason::Refused) && !needs_another(TokenReason::Connect));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenReason {
    /// Before each attempt to connect a socket.
    Connect,
    /// Before a call of a `get` or `post` procedure.
    Request,
    /// The credentials of a socket end soon: at four fifths of their time.
    Expiring,
    /// The server refused the last token.
    Refused,
}

type Asked = Pin<Box<dyn Future<Output = Result<Option<String>>> + Send>>;

/// Where tokens come from.
#[derive(Clone, Default)]
pub(super) enum Tokens {
    #[default]
    None,
    Fixed(Arc<str>),
    Function(Arc<dyn Fn(TokenReason) -> Asked + Send + Sync>),
}

impl Tokens {
    pub(super) fn function<F, Fut>(function: F) -> Self
    where
        F: Fn(TokenReason) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Option<String>>> + Send + 'static,
    {
        Self::Function(Arc::new(move |reason| Box::pin(function(reason))))
    }

    /// Whether another one can be had.
    pub(super) fn renews(&self) -> bool {
        matches!(self, Self::Function(_))
    }

    pub(super) async fn get(&self, reason: TokenReason) -> Result<Option<String>> {
        match self {
            Self::None => Ok(None),
            Self::Fixed(token) => Ok(Some(token.to_string())),
            Self::Function(function) => function(reason).await,
        }
    }
}
