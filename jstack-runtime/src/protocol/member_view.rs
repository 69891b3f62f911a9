//! `MemberView`: a member of a room as clients read it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A member of a room: one or several connections with one key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct MemberView {
    pub(crate) key: Box<str>,
    pub(crate) info: Arc<RawValue>,
    /// What its connections say about themselves, the newest first.
    pub(crate) states: Vec<Arc<RawValue>>,
    pub(crate) connections: usize,
    /// Milliseconds since 1970.
    pub(crate) since: u64,
}

impl MemberView {
    /// Whether the other says the same.
    #[cfg(feature = "client")]
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        let states = |view: &Self| {
            view.states.iter().map(|state| state.get().to_owned()).collect::<Vec<_>>()
        };
        self.key == other.key
            && self.info.get() == other.info.get()
            && (self.connections, self.since) == (other.connections, other.since)
            && states(self) == states(other)
    }

    /// About as many bytes as it takes on the wire.
    pub(crate) fn size(&self) -> usize {
        let states: usize = self.states.iter().map(|state| state.get().len() + 1).sum();
        self.key.len() + self.info.get().len() + states + 80
    }
}
