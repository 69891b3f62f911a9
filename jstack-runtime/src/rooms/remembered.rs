//! The history of a procedure's rooms, and reads that several clients share.

use std::sync::Arc;

use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};

use super::name::EVERYONE;
use crate::broker::{Channel, Publication, PublishOutcome, Scope, Sink};
use crate::error::Result;
use crate::history::{History, Keep, Page, PageLimit, Position, Reading};
use crate::platform::HashMap;
use crate::sync::Mutex;

/// The longest page of missed messages.
pub(super) const MISSED: PageLimit = PageLimit { items: 500, bytes: 256 * 1024 };
/// The time in milliseconds for which an answer also serves equal reads.
const SHARED: u64 = 100;
/// Repairs that read at the same time: after a reconnect, every room has one.
const REPAIRS: usize = 32;

/// The history of a procedure's rooms.
pub(super) struct Remembered {
    history: Arc<dyn History>,
    keep: Keep,
    reads: Mutex<HashMap<(Box<str>, Position), Read>>,
    repairs: Semaphore,
}

/// A read that several connections wait for.
#[derive(Clone)]
struct Read {
    page: Arc<OnceCell<Option<Arc<Page>>>>,
    started: u64,
}

impl Remembered {
    pub(super) fn new(history: Arc<dyn History>, keep: Keep) -> Self {
        Self { history, keep, reads: Mutex::default(), repairs: Semaphore::new(REPAIRS) }
    }

    pub(super) fn publish(&self, messages: &[Publication<'_>], local: &dyn Sink) -> PublishOutcome {
        self.history.publish(messages, self.keep, local).0
    }

    /// Waits until another repair may read.
    pub(super) async fn permit_repair(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.repairs.acquire().await.ok()
    }

    /// The end of a log; begins one if there is none.
    pub(super) async fn top(&self, channel: Channel<'_>) -> Result<Position> {
        self.history.top(channel, self.keep).await
    }

    pub(super) fn before(
        &self,
        channel: Channel<'_>,
        before: Option<u64>,
        limit: PageLimit,
    ) -> Reading<Page> {
        self.history.before(channel, before, limit)
    }

    pub(super) fn after(
        &self,
        channel: Channel<'_>,
        after: Position,
        limit: PageLimit,
    ) -> Reading<Page> {
        self.history.after(channel, after, limit)
    }

    pub(super) fn clear(&self, channel: Channel<'_>) -> Reading {
        self.history.clear(channel)
    }

    /// What came after a position. Equal reads within a moment share the answer, unless the room has
    /// moved on since: many clients that come back together cost one read.
    pub(super) async fn missed(
        &self,
        channel: Channel<'_>,
        at: Option<Position>,
        after: Position,
        now: u64,
    ) -> Result<Arc<Page>> {
        let read = self.shared(channel, after, now);
        let read_it = async || self.history.after(channel, after, MISSED).await.ok().map(Arc::new);
        match read.page.get_or_init(read_it).await {
            Some(page) if at.is_none_or(|at| is_not_behind(page.top, at)) => Ok(page.clone()),
            _ => Ok(Arc::new(self.history.after(channel, after, MISSED).await?)),
        }
    }

    fn shared(&self, channel: Channel<'_>, after: Position, now: u64) -> Read {
        let room = match channel.scope {
            Scope::Room(room) => room,
            _ => EVERYONE,
        };
        let mut reads = self.reads.lock();
        reads.retain(|_, read| now.saturating_sub(read.started) < SHARED);
        let new = || Read { page: Arc::default(), started: now };
        reads.entry((room.into(), after)).or_insert_with(new).clone()
    }
}

/// Whether a log that ends at `top` has everything up to `at`.
fn is_not_behind(top: Position, at: Position) -> bool {
    top.epoch() != at.epoch() || top.offset() >= at.offset()
}
