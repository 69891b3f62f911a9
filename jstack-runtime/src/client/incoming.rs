//! What a socket receives.

use std::time::Instant;

use crate::error::Error;

/// What [`Socket::next`](super::Socket::next) returns.
///
/// ```
/// use jstack_runtime::client::Incoming;
///
/// fn line(incoming: &Incoming<String>) -> String {
///     match incoming {
///         Incoming::Event(text, _) => text.clone(),
///         Incoming::Gap(gap) => format!("messages are missing: {}", gap.reason.as_str()),
///         Incoming::Error { event, error, .. } => format!("{event:?}: {error}"),
///         _ => String::new(),
///     }
/// }
/// # let _ = line;
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Incoming<E> {
    /// An event, and where it comes from.
    Event(E, Meta),
    /// Messages may be missing: fetch again what was built from them. It comes before what follows
    /// the hole.
    Gap(Gap),
    /// The server refused an event, a handler failed, or something was sent that is not an event of
    /// the set. `event` is the one that it is about.
    #[non_exhaustive]
    Error {
        /// The event's name, where there is one.
        event: Option<String>,
        /// What is wrong.
        error: Error,
    },
}

/// Where an event comes from.
///
/// ```
/// use jstack_runtime::client::{Meta, Position};
///
/// /// The place from which a program that starts again can read on.
/// fn remember(meta: &Meta) -> Option<(String, Position)> {
///     Some((meta.room.clone()?, meta.at.clone()?))
/// }
/// assert_eq!(remember(&Meta::default()), None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Meta {
    /// The room, where rooms have a history; `None` also for what everyone gets.
    pub room: Option<String>,
    /// The message's place in the room's history.
    pub at: Option<Position>,
    /// It was sent while this client was away.
    pub replayed: bool,
}

/// A place in a room's history.
///
/// ```
/// use jstack_runtime::client::Position;
///
/// let at = Position::new("a1b2", 7);
/// // Only places of one epoch have an order.
/// let is_later = |other: &Position| other.epoch == at.epoch && other.offset > at.offset;
/// assert!(is_later(&Position::new("a1b2", 8)));
/// assert!(!is_later(&Position::new("c3d4", 8)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Position {
    /// Changes when the room's memory begins again.
    pub epoch: String,
    /// The number of the message.
    pub offset: u64,
}

impl Position {
    /// A place that was kept outside of this process. The type has an example.
    pub fn new(epoch: impl Into<String>, offset: u64) -> Self {
        Self { epoch: epoch.into(), offset }
    }
}

/// Messages may be missing.
///
/// ```
/// use jstack_runtime::client::Gap;
///
/// fn notice(gap: &Gap) -> String {
///     let room = gap.room.as_deref().unwrap_or("all rooms");
///     match gap.missed {
///         Some(missed) => format!("{room}: {missed} messages are missing"),
///         None => format!("{room}: messages may be missing"),
///     }
/// }
/// # let _ = notice;
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Gap {
    /// `None`: any of the rooms.
    pub room: Option<String>,
    /// Why.
    pub reason: GapReason,
    /// How many, where it is known.
    pub missed: Option<u64>,
    /// Since when.
    pub since: Instant,
}

/// Why messages may be missing.
///
/// ```
/// use jstack_runtime::client::GapReason;
///
/// assert_eq!(GapReason::Expired.as_str(), "expired");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GapReason {
    /// The client was away, and the rooms remember nothing.
    Offline,
    /// The client was away for longer than the room remembers.
    Expired,
    /// The room's memory began again.
    Reset,
    /// Messages were lost between servers.
    Broker,
    /// This reader was too slow.
    Overload,
}

impl GapReason {
    /// The reason as it travels.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Expired => "expired",
            Self::Reset => "reset",
            Self::Broker => "broker",
            Self::Overload => "overload",
        }
    }

    pub(super) fn named(name: &str) -> Self {
        match name {
            "expired" => Self::Expired,
            "reset" => Self::Reset,
            "overload" => Self::Overload,
            _ => Self::Broker,
        }
    }
}
