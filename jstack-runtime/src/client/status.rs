//! Where a socket is in its life.

use std::sync::Arc;
use std::time::Instant;

use crate::error::Error;

/// What a socket and its server speak.
///
/// ```
/// use jstack_runtime::client::{Profile, Status};
///
/// /// Whether requests have replies, and missed messages are recovered.
/// fn has_everything(status: &Status) -> bool {
///     matches!(status, Status::Open { profile: Profile::V1, .. })
/// }
/// # let _ = has_everything;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Profile {
    /// Events alone, as with the stock server: no requests, no recovery.
    Base,
    /// Everything.
    V1,
}

/// Where a socket is in its life.
///
/// ```
/// use jstack_runtime::client::Status;
///
/// fn line(status: &Status) -> String {
///     match status {
///         Status::Open { .. } => "online".to_owned(),
///         // True after five seconds, so that banners do not flash.
///         Status::Reconnecting { lost: true, cause, .. } => format!("offline: {cause}"),
///         Status::Closed { cause: Some(cause), .. } => format!("closed: {cause}"),
///         _ => String::new(),
///     }
/// }
/// # let _ = line;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Status {
    /// Not open yet.
    #[non_exhaustive]
    Connecting {
        /// 1 for the first attempt.
        attempt: u32,
    },
    /// Open.
    #[non_exhaustive]
    Open {
        /// Since when.
        since: Instant,
        /// What the two sides speak.
        profile: Profile,
    },
    /// The connection was lost, and another is on its way.
    #[non_exhaustive]
    Reconnecting {
        /// How many attempts have begun, or will next.
        attempt: u32,
        /// When the next attempt begins; `None` while one runs.
        retry_at: Option<Instant>,
        /// Since when there is no connection.
        since: Instant,
        /// It has lasted five seconds: worth showing.
        lost: bool,
        /// Why.
        cause: Arc<Error>,
    },
    /// Closed for good: by the application, or by a refusal that another attempt cannot change.
    #[non_exhaustive]
    Closed {
        /// The close code.
        code: u16,
        /// Why; `None` where the application closed it.
        cause: Option<Arc<Error>>,
    },
}

impl Status {
    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Open { .. })
    }

    /// Whether it is closed for good.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Closed { .. })
    }
}
