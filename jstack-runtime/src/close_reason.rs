//! Why a connection ended.

use std::borrow::Cow;
use std::fmt;

use crate::untrusted::Untrusted;

/// Who ended a connection.
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
/// use jstack_runtime::{CloseReason, ClosedBy};
///
/// fn left_on_purpose(reason: &CloseReason) -> bool {
///     reason.by() == ClosedBy::Client && reason.code() == 1000
/// }
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

    /// Who ended it.
    pub fn by(&self) -> ClosedBy {
        self.by
    }

    /// The close code of RFC 6455; 1005 for a close frame without a code, 1006 without a close frame.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The reason text of the close frame; may be empty. If the client closed, it is untrusted text.
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
