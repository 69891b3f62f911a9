//! What a socket receives.

use std::time::Instant;

use crate::error::Error;

/// What [`Socket::next`](super::Socket::next) returns.
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Meta {
    /// The room, where rooms have a history; `None` also for what everyone gets.
    pub room: Option<String>,
    /// The message's place in the room's history.
    pub at: Option<Position>,
    /// It was said while this client was away.
    pub replayed: bool,
}

/// A place in a room's history.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Position {
    /// Changes when the room's memory begins again.
    pub epoch: String,
    /// The number of the message.
    pub offset: u64,
}

impl Position {
    /// A place that was kept outside of this process.
    pub fn new(epoch: impl Into<String>, offset: u64) -> Self {
        Self { epoch: epoch.into(), offset }
    }
}

/// Messages may be missing.
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GapReason {
    /// The client was away, and the rooms remember nothing.
    Offline,
    /// The client was away for longer than the room remembers.
    Expired,
    /// The room's memory began again.
    Reset,
    /// They were lost between servers.
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
