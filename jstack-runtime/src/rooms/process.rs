//! What all procedures of one application share.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::member::Member;
use crate::broker::{Broker, Memory};
use crate::config::Limits;
use crate::meters::Meters;
use crate::outbound::Flusher;
use crate::target::SocketId;

/// The broker, the limits and the flusher of one application.
pub(crate) struct Process {
    /// Tells this process from the others that share its broker.
    pub(crate) node: u64,
    broker: OnceLock<Arc<dyn Broker>>,
    limits: OnceLock<Arc<Limits>>,
    flusher: OnceLock<Flusher<Member>>,
    sockets: AtomicU64,
    /// Ids are multiples of this odd number, so that nobody can count along.
    stride: u64,
    started: Instant,
    draining: AtomicBool,
    meters: OnceLock<Meters>,
}

impl Process {
    pub(crate) fn new() -> Self {
        let random = || RandomState::new().hash_one(std::process::id());
        Self {
            node: random(),
            broker: OnceLock::new(),
            limits: OnceLock::new(),
            flusher: OnceLock::new(),
            sockets: AtomicU64::new(1),
            stride: random() | 1,
            started: Instant::now(),
            draining: AtomicBool::new(false),
            meters: OnceLock::new(),
        }
    }

    /// Fixes what was configured. What is used before gets the embedded broker and the defaults.
    pub(crate) fn configure(&self, broker: Arc<dyn Broker>, limits: Limits) {
        let _ = self.broker.set(broker);
        let _ = self.limits.set(Arc::new(limits));
    }

    pub(crate) fn broker(&self) -> &dyn Broker {
        self.broker.get_or_init(|| Arc::new(Memory)).as_ref()
    }

    pub(crate) fn limits(&self) -> &Arc<Limits> {
        self.limits.get_or_init(Arc::default)
    }

    /// No new sockets from now on.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }

    pub(crate) fn meters(&self) -> &Meters {
        self.meters.get_or_init(Meters::new)
    }

    pub(super) fn flusher(&self) -> &Flusher<Member> {
        self.flusher.get_or_init(|| Flusher::new(self.limits().write_timeout))
    }

    pub(super) fn next_id(&self) -> SocketId {
        let count = self.sockets.fetch_add(1, Ordering::Relaxed);
        SocketId { node: self.node, local: count.wrapping_mul(self.stride) }
    }

    /// Milliseconds since this process started counting.
    pub(crate) fn millis(&self, now: Instant) -> u64 {
        let since = now.saturating_duration_since(self.started);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}
