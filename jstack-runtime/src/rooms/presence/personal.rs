//! What one connection is in the rooms that it has joined.

use std::sync::Arc;

use serde_json::value::RawValue;

/// Who a connection is.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) key: Box<str>,
    pub(crate) info: Arc<RawValue>,
}

/// One connection's part in presence.
///
/// Rooms that `#[connect]` joins wait here for the identity: it comes from the session, which
/// `#[connect]` only returns.
#[derive(Default)]
pub(crate) struct Personal {
    pub(super) identity: Option<Identity>,
    pub(super) rooms: Vec<Joined>,
    /// It has left for good.
    pub(super) closed: bool,
}

/// A room that the connection is in.
pub(super) struct Joined {
    pub(super) room: Arc<str>,
    /// It is not listed.
    pub(super) hidden: bool,
    pub(super) state: Option<Arc<RawValue>>,
    /// When it joined, and when it last said something, in milliseconds since 1970.
    pub(super) since: u64,
    pub(super) at: u64,
}
