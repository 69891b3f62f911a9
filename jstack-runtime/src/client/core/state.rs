//! `Core`: the state of one socket, without I/O and without a task.
//!
//! ```text
//!               ┌────────── connect() ─────────────────────────────┐
//!               ▼                                                  │
//!  Dial ──▶ Dialing ──the stream, and `$welcome`──▶ Opening ──▶ Up │
//!   ▲          │                                               │   │
//!   │          ├──────────────── failed, or lost ──────────────┘   │
//!   │          ▼                                                   │
//!   └─────── Waiting            final, or close() ──────────────▶ Closed
//! ```
//!
//! Invariants: a frame is in `out` or in `outbox`, never in both. In `Opening`, what is emitted waits
//! in the outbox, so that what the application restores goes first. A request is in `requests` until
//! it ends. After `Closed` nothing waits.
//!
//! What it does is in the files beside this one: `connection` (the life above), `time`, `receiving`,
//! `sending`, and `people` (presence). The engine carries out what this decides: it dials, writes `out`, and calls `tick` at `deadline`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::inbox::Inbox;
use super::options::Options;
use super::outbox::Outbox;
use super::presence::Presence;
use super::requests::{Asked, Requests};
use super::room::Room;
use crate::client::failure::Refusal;
use crate::client::status::Status;
use crate::error::Error;

/// After how long a loss is worth showing, and a connection counts as good.
pub(super) const LASTING: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum Phase {
    /// To be dialled.
    Dial,
    /// An attempt runs, until this time.
    Dialing(Instant),
    /// The hooks of the application run.
    Opening,
    Up,
    /// The next attempt begins at this time.
    Waiting(Instant),
    Closed,
}

#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(in crate::client) struct Core {
    pub(super) options: Options,
    pub(in crate::client) phase: Phase,
    pub(in crate::client) status: watch::Sender<Status>,
    /// What the connection speaks: known from the handshake on.
    pub(in crate::client) v1: bool,
    /// The connection's id on the server.
    pub(in crate::client) id: Option<String>,
    /// Frames that go out next.
    pub(in crate::client) out: Vec<String>,
    /// Bytes that were handed to the network and are not sent yet.
    pub(in crate::client) sending: usize,
    pub(in crate::client) close_with: (u16, String),
    pub(super) outbox: Outbox,
    pub(super) requests: Requests,
    pub(super) rooms: BTreeMap<Option<String>, Room>,
    /// When rooms ask again for their past.
    pub(super) again: BTreeMap<String, Instant>,
    pub(super) presences: BTreeMap<String, Presence>,
    /// The number of the last one who began to watch a room.
    pub(super) watchers: u64,
    pub(super) inbox: Inbox,
    pub(in crate::client) asked: Vec<Asked>,
    /// The longest message that the server takes, in bytes.
    pub(super) longest: usize,
    pub(super) attempts: u32,
    /// How many attempts with the profile failed before they opened.
    pub(super) missed: u32,
    /// The next attempt offers no subprotocol.
    pub(super) plain: bool,
    /// The server has spoken the profile before.
    pub(super) spoken: bool,
    /// The server refused the last token, so the next one must be another.
    pub(in crate::client) refused: bool,
    pub(super) cause: Option<Arc<Error>>,
    pub(super) bye: Option<Refusal>,
    pub(super) lost_at: Option<Instant>,
    pub(super) away_since: Option<Instant>,
    pub(super) heard_at: Instant,
    pub(super) pinged_at: Option<Instant>,
    pub(super) patience: Duration,
    /// Until when the connection must last to count as good.
    pub(super) stable_at: Option<Instant>,
    pub(super) token_at: Option<Instant>,
    pub(super) drain_at: Option<Instant>,
    /// No handle is left.
    pub(in crate::client) abandoned: bool,
}

impl Core {
    pub(in crate::client) fn new(options: Options) -> Self {
        let (most, age) = options.queue;
        Self {
            phase: Phase::Dial,
            status: watch::Sender::new(Status::Connecting { attempt: 1 }),
            v1: false,
            id: None,
            out: Vec::new(),
            sending: 0,
            close_with: (1000, String::new()),
            outbox: Outbox::new(most, age),
            requests: Requests::new(),
            rooms: BTreeMap::new(),
            again: BTreeMap::new(),
            presences: BTreeMap::new(),
            watchers: 0,
            inbox: Inbox::default(),
            asked: Vec::new(),
            longest: usize::MAX,
            attempts: 0,
            missed: 0,
            plain: false,
            spoken: false,
            refused: false,
            cause: None,
            bye: None,
            lost_at: None,
            away_since: None,
            heard_at: Instant::now(),
            pinged_at: None,
            patience: options.heartbeat.0,
            stable_at: None,
            token_at: None,
            drain_at: None,
            abandoned: false,
            options,
        }
    }

    pub(in crate::client) fn request_timeout(&self) -> Duration {
        self.options.request_timeout
    }

    pub(in crate::client) fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }
}
