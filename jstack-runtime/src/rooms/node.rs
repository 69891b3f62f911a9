//! What all procedures of one application share.

use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::member::Member;
use crate::broker::{Broker, Memory};
use crate::limits::Limits;
use crate::meters::Meters;
use crate::outbound::Flusher;
use crate::platform::{self, Instant, RandomState};
use crate::socket_id::SocketId;

/// The broker, the limits and the flusher of one application.
pub(crate) struct Node {
    /// Tells this process from the others that share its broker.
    pub(crate) id: u64,
    broker: OnceLock<Arc<dyn Broker>>,
    limits: OnceLock<Arc<Limits>>,
    flusher: OnceLock<Flusher<Member>>,
    sockets: AtomicU64,
    /// Ids count under a permutation that only this process knows: whoever has seen some of them
    /// can guess no other.
    secret: RandomState,
    started: Instant,
    draining: AtomicBool,
    meters: OnceLock<Meters>,
}

impl Node {
    pub(crate) fn new() -> Self {
        Self {
            id: platform::random(),
            broker: OnceLock::new(),
            limits: OnceLock::new(),
            flusher: OnceLock::new(),
            sockets: AtomicU64::new(1),
            secret: RandomState::new(),
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
        self.broker.get_or_init(|| Arc::new(Memory::new())).as_ref()
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
        SocketId { node: self.id, local: permuted(&self.secret, count) }
    }

    /// Nanoseconds since this process started counting: 584 years fit.
    pub(crate) fn nanos(&self) -> u64 {
        let since = self.started.elapsed();
        since.as_secs().wrapping_mul(1_000_000_000).wrapping_add(u64::from(since.subsec_nanos()))
    }

    /// The same in milliseconds.
    pub(crate) fn millis(&self) -> u64 {
        self.nanos() / 1_000_000
    }
}

/// A permutation of the numbers that nobody foresees without the key: a Feistel network over a
/// keyed hash. No number comes twice, as it might by drawing lots.
fn permuted(key: &RandomState, number: u64) -> u64 {
    let halves = |number: u64| (number >> 32, number & u64::from(u32::MAX));
    let (left, right) = (0..4_u8).fold(halves(number), |(left, right), round| {
        (right, left ^ halves(key.hash_one((round, right))).1)
    });
    left << 32 | right
}
