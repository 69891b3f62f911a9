//! The messages that wait for one server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::pending::{PendingMessage, PendingMessages};
use crate::broker::redis::history::ServerLink;

/// How long a server is left alone that does not take its own channels, unless the route changes.
const PAUSE: Duration = Duration::from_millis(100);

/// The messages that wait for the server of one shard.
#[derive(Debug, Default)]
pub(crate) struct ShardQueue {
    pub(crate) waiting: PendingMessages,
    /// Notified when something waits, or may be sent now.
    pub(crate) filled: Arc<Notify>,
    /// Nothing is sent until then.
    pub(crate) paused_until: Option<Instant>,
    /// Nothing is sent until this number of writes of each shard has completed. These may contain
    /// earlier messages of channels that wait here now.
    pub(crate) blocked_until: Vec<(usize, u64)>,
    /// Writes that were started, and those of them that have completed.
    pub(crate) sent: u64,
    pub(crate) completed: u64,
    /// A connection is needed, until another server carries all of the shard.
    pub(crate) wanted: bool,
    pub(crate) connected: bool,
    /// The connection, while there is one.
    pub(crate) server: Option<Arc<ServerLink>>,
    /// The server accepts probes.
    pub(crate) takes_probes: bool,
    /// The channel of this process' probes.
    pub(crate) probe: String,
    /// Why nothing is accepted at present.
    pub(crate) down: Option<String>,
    /// Why the connection is not up at present, whether messages are accepted or not.
    pub(crate) trouble: Option<String>,
}

/// The messages that may be sent.
#[derive(Debug)]
pub(crate) enum Take {
    Messages(PendingMessages),
    /// Something waits that may not be sent yet. Look again then, unless notified before.
    Held(Instant),
    Nothing,
}

impl ShardQueue {
    pub(crate) fn add(&mut self, channel: &[u8], payload: &[u8], message: PendingMessage) {
        self.waiting.push(channel, payload, message);
        self.wanted = true;
    }

    /// Takes everything that may be sent now. Later messages are put into `spare`'s buffers.
    pub(crate) fn take(&mut self, spare: &mut PendingMessages) -> Take {
        if self.paused_until.is_some_and(|until| until <= Instant::now()) {
            self.paused_until = None;
        }
        if self.waiting.is_empty() {
            return Take::Nothing;
        }
        if self.paused_until.is_some() || !self.blocked_until.is_empty() {
            return self.due().map_or(Take::Nothing, Take::Held);
        }
        self.sent += 1;
        Take::Messages(std::mem::replace(&mut self.waiting, std::mem::take(spare)))
    }

    /// Puts redirected messages back, before what came later. If they are still this server's
    /// own, it is left alone for a moment.
    pub(crate) fn requeue(&mut self, messages: PendingMessages, is_own: bool) {
        self.waiting = PendingMessages::merge(messages, std::mem::take(&mut self.waiting));
        self.wanted = true;
        if is_own {
            self.paused_until = Some(Instant::now() + PAUSE);
        }
        self.filled.notify_one();
    }

    /// Removes and returns what has expired.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<PendingMessage> {
        self.paused_until = self.paused_until.filter(|until| *until > now);
        self.waiting.expired(now)
    }

    #[cfg(feature = "redis-cluster")]
    pub(crate) fn is_in_flight(&self) -> bool {
        self.sent > self.completed
    }

    /// When to look again at what waits: it may be sent then, or has expired.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.waiting.expires().into_iter().chain(self.paused_until).min()
    }

    /// The connection is up. Messages are accepted; whether the server takes them is not proved yet.
    pub(crate) fn set_up(&mut self, server: Arc<ServerLink>) {
        self.server = Some(server);
        self.connected = true;
        self.takes_probes = false;
        self.down = None;
        self.trouble = Some("nothing was published yet".to_owned());
    }

    /// Marks the server as unconnected, for this reason if a connection is needed. Messages are
    /// still accepted.
    pub(crate) fn set_unconnected(&mut self, trouble: Option<&str>) {
        self.connected = false;
        self.server = None;
        self.takes_probes = false;
        self.trouble = trouble.map(str::to_owned);
        if trouble.is_none() {
            self.down = None;
        }
    }

    /// The server took a message, or refused a probe for this reason.
    pub(crate) fn set_proof(&mut self, refusal: Option<&str>) {
        self.takes_probes = refusal.is_none();
        self.trouble = refusal.map(str::to_owned);
    }

    /// Redis is away: nothing is accepted. Returns what waited.
    pub(crate) fn set_down(&mut self, why: &str) -> PendingMessages {
        self.down = Some(why.to_owned());
        self.trouble = Some(why.to_owned());
        self.connected = false;
        self.server = None;
        self.takes_probes = false;
        std::mem::take(&mut self.waiting)
    }
}
