//! This side's questions by their ids: each ends with one answer, one error, or is forgotten.

use std::collections::BTreeMap;

use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::error::Result;
use crate::platform;

/// A question of the server's.
pub(in crate::client) struct Asked {
    pub(in crate::client) event: String,
    pub(in crate::client) data: String,
    pub(in crate::client) id: String,
}

/// What the client itself asks about a room, by the room's name.
#[derive(PartialEq, Eq)]
pub(super) enum Ask {
    Past(String),
    Members(String),
}

/// A question that waits for its answer.
pub(super) enum Pending {
    Call {
        sent: bool,
        reply: oneshot::Sender<Result<String>>,
    },
    /// One of the client's own, until this time.
    Own {
        ask: Ask,
        until: Instant,
    },
}

pub(super) struct Requests {
    pub(super) pending: BTreeMap<String, Pending>,
    tag: u64,
    count: u64,
}

impl Requests {
    pub(super) fn new() -> Self {
        Self { pending: BTreeMap::new(), tag: platform::random() % 36u64.pow(7), count: 0 }
    }

    /// Unique for the client's socket: a late answer meets no other question.
    pub(super) fn new_id(&mut self) -> String {
        self.count += 1;
        format!("{:x}-{:x}", self.tag, self.count)
    }

    /// Asks something of the client's own. An older question of the same is forgotten.
    pub(super) fn own(&mut self, ask: Ask, until: Instant) -> String {
        self.pending
            .retain(|_, pending| !matches!(pending, Pending::Own { ask: a, .. } if *a == ask));
        let id = self.new_id();
        self.pending.insert(id.clone(), Pending::Own { ask, until });
        id
    }

    /// When the first of the client's own is too late.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let times = self.pending.values().filter_map(|pending| match pending {
            Pending::Own { until, .. } => Some(*until),
            Pending::Call { .. } => None,
        });
        times.min()
    }

    /// The ids of the client's own that are too late.
    pub(super) fn late(&self, now: Instant) -> Vec<String> {
        let is_late =
            |pending: &Pending| matches!(pending, Pending::Own { until, .. } if *until <= now);
        self.pending.iter().filter(|(_, p)| is_late(p)).map(|(id, _)| id.clone()).collect()
    }
}

/// The third element of a frame that asks or answers.
#[derive(serde::Serialize)]
pub(super) struct Id<'a> {
    pub(super) i: &'a str,
}

/// The key of a room by its name, which is empty for everybody.
pub(super) fn room_of(name: &str) -> Option<String> {
    (!name.is_empty()).then(|| name.to_owned())
}
