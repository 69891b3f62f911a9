//! Redirects: what the connections report to the topology watcher.

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::topology::ClusterNode;

/// The reports of all connections, for the topology watcher.
#[derive(Debug, Default)]
pub(crate) struct Redirects {
    moved: Mutex<HashMap<u16, ClusterNode>>,
    /// Notified when there is something new, or a connection failed.
    pub(crate) changed: Notify,
}

impl Redirects {
    /// Records that another server carries the slot.
    pub(crate) fn record(&self, slot: u16, node: ClusterNode) {
        self.moved.lock().insert(slot, node);
    }

    /// Takes the slots that moved, and the servers that carry them now.
    pub(crate) fn take(&self) -> HashMap<u16, ClusterNode> {
        std::mem::take(&mut self.moved.lock())
    }
}
