//! Why a connection ended.

use std::borrow::Cow;
use std::fmt;

use crate::untrusted::Untrusted;

/// Who ended a connection.
///
/// ```
/// use jstack_runtime::ClosedBy;
///
/// /// Whether the user left, as far as the server knows.
/// fn user_left(by: ClosedBy) -> bool {
///     matches!(by, ClosedBy::Client | ClosedBy::Lost)
/// }
/// # assert!(user_left(ClosedBy::Lost) && !user_left(ClosedBy::Shutdown));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClosedBy {
    /// The client sent a close frame.
    Client,
    /// A handler or the application closed it.
    Server,
    /// Lost without a close frame, or timed out.
    Lost,
    /// The client exceeded one of the [`Limits`](crate::Limits), or broke the protocol.
    Limit,
    /// A handler panicked or failed before the first event.
    Failure,
    /// The server is shutting down.
    Shutdown,
}

/// Why a connection ended: who ended it, the close code and the reason text.
///
/// `#[disconnect]` takes it as an argument.
///
/// ```
/// # use jstack_runtime::prelude::*;
/// # #[derive(Clone, Debug, Events)]
/// # pub enum Chat { Message(String) }
/// use jstack_runtime::ClosedBy;
///
/// #[procedure(ws, incoming = Chat, outgoing = Chat)]
/// pub mod chat {
///     use super::*;
/// #   #[on(Message)]
/// #   async fn message(_: String) {}
///
///     #[disconnect]
///     async fn disconnect(reason: CloseReason) {
///         match (reason.by(), reason.code()) {
///             (ClosedBy::Client, 1000) => tracing::info!("left on purpose"),
///             (_, code) => tracing::info!(code, text = reason.reason(), "ended"),
///         }
///     }
/// }
/// # fn main() {}
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseReason {
    by: ClosedBy,
    code: u16,
    reason: Cow<'static, str>,
}

impl CloseReason {
    pub(crate) fn new(by: ClosedBy, code: u16, reason: impl Into<Cow<'static, str>>) -> Self {
        Self { by, code, reason: reason.into() }
    }

    pub(crate) const fn fixed(by: ClosedBy, code: u16, reason: &'static str) -> Self {
        Self { by, code, reason: Cow::Borrowed(reason) }
    }

    /// Who ended the connection.
    pub fn by(&self) -> ClosedBy {
        self.by
    }

    /// The close code of RFC 6455: 1005 for a close frame without a code, 1006 without a close frame.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The reason text of the close frame, which may be empty. If the client closed, the text is untrusted.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Every value of [`label`](Self::label).
    pub(crate) const LABELS: [&'static str; 9] = [
        "client",
        "server",
        "lost",
        "shutdown",
        "failure",
        "slow_reader",
        "too_long",
        "policy",
        "protocol",
    ];

    /// The reason without what differs from client to client, for a metric's label.
    pub(crate) fn label(&self) -> &'static str {
        match (self.by, self.code) {
            (ClosedBy::Client, _) => "client",
            (ClosedBy::Server, _) => "server",
            (ClosedBy::Lost, _) => "lost",
            (ClosedBy::Shutdown, _) => "shutdown",
            (ClosedBy::Failure, _) => "failure",
            (ClosedBy::Limit, 1013) => "slow_reader",
            (ClosedBy::Limit, 1009) => "too_long",
            (ClosedBy::Limit, 1008) => "policy",
            (ClosedBy::Limit, _) => "protocol",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = match self.by {
            ClosedBy::Client => "closed by the client",
            ClosedBy::Server => "closed by the server",
            ClosedBy::Lost => "connection lost",
            ClosedBy::Limit => "closed for breaking a limit",
            ClosedBy::Failure => "closed after a failure",
            ClosedBy::Shutdown => "closed for the server's shutdown",
        };
        write!(f, "{by} ({})", self.code)?;
        if self.reason.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", Untrusted(&self.reason))
    }
}
