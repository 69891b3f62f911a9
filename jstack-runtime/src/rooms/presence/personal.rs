//! The presence of one connection in its rooms.

use std::sync::Arc;

use serde_json::value::RawValue;

/// The identity of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) key: Box<str>,
    pub(crate) info: Arc<RawValue>,
}

/// The presence of one connection.
///
/// Rooms that `#[connect]` joins wait here for the identity: it comes from the session, which
/// `#[connect]` only returns.
#[derive(Default)]
pub(crate) struct Personal {
    pub(super) identity: Option<Identity>,
    pub(super) rooms: Vec<Joined>,
    /// The connection has ended.
    pub(super) closed: bool,
}

/// A room that the connection is in.
pub(super) struct Joined {
    pub(super) room: Arc<str>,
    /// It is not listed.
    pub(super) hidden: bool,
    pub(super) state: Option<Arc<RawValue>>,
    /// When it joined, and when it last set its state, in milliseconds since 1970.
    pub(super) since: u64,
    pub(super) at: u64,
}
