//! `Node`: shared by all procedures of one application.

use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

use tokio::sync::Notify;

use super::member::Member;
use crate::broker::{Broker, Memory};
use crate::limits::Limits;
use crate::meters::Meters;
use crate::outbound::Flusher;
use crate::platform::{self, Instant, RandomState};
use crate::socket_id::SocketId;

/// The broker, the limits and the flusher of one application.
pub(crate) struct Node {
    /// Distinguishes this process from others that share its broker.
    pub(crate) id: u64,
    broker: OnceLock<Arc<dyn Broker>>,
    nobody: OnceLock<Memory>,
    limits: OnceLock<Arc<Limits>>,
    flusher: OnceLock<Flusher<Member>>,
    sockets: AtomicU64,
    /// Ids count under a permutation that only this process knows: some ids do not help to guess
    /// others.
    secret: RandomState,
    started: Instant,
    draining: AtomicBool,
    meters: OnceLock<Meters>,
    built: Notify,
}

impl Node {
    pub(crate) fn new() -> Self {
        Self {
            id: platform::random(),
            broker: OnceLock::new(),
            nobody: OnceLock::new(),
            limits: OnceLock::new(),
            flusher: OnceLock::new(),
            sockets: AtomicU64::new(1),
            secret: RandomState::new(),
            started: Instant::now(),
            draining: AtomicBool::new(false),
            meters: OnceLock::new(),
            built: Notify::new(),
        }
    }

    /// Fixes what was configured. What is used before gets an embedded broker and the defaults, and
    /// leaves no trace of them.
    pub(crate) fn configure(&self, broker: Arc<dyn Broker>, limits: Limits) {
        let _ = self.limits.set(Arc::new(limits));
        // Last: it says that the rest is there.
        let _ = self.broker.set(broker);
        self.built.notify_waiters();
    }

    /// Waits until the application is built. Cancel safe.
    pub(super) async fn configured(&self) {
        // Asked for first: it must not come between the question and the wait.
        let built = self.built.notified();
        if !self.is_configured() {
            built.await;
        }
    }

    /// The application's broker; before the application is built, an embedded one of nobody. That one
    /// is never kept in its place.
    pub(crate) fn broker(&self) -> &dyn Broker {
        match self.broker.get() {
            Some(broker) => broker.as_ref(),
            None => self.nobody.get_or_init(Memory::new),
        }
    }

    /// Whether the application is built, so that its broker and its limits are known.
    pub(crate) fn is_configured(&self) -> bool {
        self.broker.get().is_some()
    }

    pub(crate) fn limits(&self) -> &Arc<Limits> {
        static DEFAULTS: LazyLock<Arc<Limits>> = LazyLock::new(Arc::default);
        self.limits.get().unwrap_or_else(|| &DEFAULTS)
    }

    /// Refuses new sockets from now on.
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

/// A permutation of the numbers that is unpredictable without the key: a Feistel network over a keyed
/// hash. Unlike random numbers, it never repeats one.
fn permuted(key: &RandomState, number: u64) -> u64 {
    let halves = |number: u64| (number >> 32, number & u64::from(u32::MAX));
    let (left, right) = (0..4_u8).fold(halves(number), |(left, right), round| {
        (right, left ^ halves(key.hash_one((round, right))).1)
    });
    left << 32 | right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_before_the_application_is_built_does_not_stay() {
        let node = Node::new();
        let _ = (node.broker().describe(), node.limits().rate);
        assert!(!node.is_configured());
        let broker: Arc<dyn Broker> = Arc::new(Memory::new());
        let limits = Limits { rate: 7, ..Limits::default() };
        node.configure(broker.clone(), limits);
        assert!(std::ptr::addr_eq(node.broker(), Arc::as_ptr(&broker)));
        assert_eq!(node.limits().rate, 7);
    }
}
