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

impl Read {
    /// Whether somebody still waits for it. A read that takes long is not begun a second time: that
    /// would make it take longer for all.
    fn is_under_way(&self) -> bool {
        !self.page.initialized() && Arc::strong_count(&self.page) > 1
    }
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
        reads.retain(|_, read| now.saturating_sub(read.started) < SHARED || read.is_under_way());
        let new = || Read { page: Arc::default(), started: now };
        reads.entry((room.into(), after)).or_insert_with(new).clone()
    }
}

/// Whether a log that ends at `top` has everything up to `at`.
fn is_not_behind(top: Position, at: Position) -> bool {
    top.epoch() != at.epoch() || top.offset() >= at.offset()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use tokio::sync::Notify;

    use super::*;
    use crate::broker::Publish;
    use crate::history::Epoch;

    const ROOM: Channel<'static> = Channel { procedure: "post/chat", scope: Scope::Room("room") };

    /// Answers reads when it is allowed to.
    #[derive(Default)]
    struct Slow {
        reads: AtomicUsize,
        allowed: Arc<Notify>,
    }

    fn at(offset: u64) -> Position {
        Position::new(Epoch::new(1), offset)
    }

    impl History for Slow {
        fn publish(&self, _: &[Publication<'_>], _: Keep, _: &dyn Sink) -> Publish {
            Publish::done(Ok(()))
        }

        fn top(&self, _: Channel<'_>, _: Keep) -> Reading<Position> {
            Box::pin(std::future::ready(Ok(at(5))))
        }

        fn after(&self, _: Channel<'_>, _: Position, _: PageLimit) -> Reading<Page> {
            self.reads.fetch_add(1, Ordering::Relaxed);
            let allowed = self.allowed.clone();
            Box::pin(async move {
                allowed.notified().await;
                Ok(Page { top: at(5), entries: Vec::new(), more: false, gap: None })
            })
        }

        fn before(&self, channel: Channel<'_>, _: Option<u64>, limit: PageLimit) -> Reading<Page> {
            self.after(channel, at(0), limit)
        }

        fn clear(&self, _: Channel<'_>) -> Reading {
            Box::pin(std::future::ready(Ok(())))
        }
    }

    #[tokio::test]
    async fn equal_reads_share_the_one_that_is_under_way_and_a_recent_answer() {
        let slow = Arc::new(Slow::default());
        let keep = Keep { count: 1, age: Duration::from_secs(1) };
        let remembered = Remembered::new(slow.clone(), keep);
        let missed = |now| remembered.missed(ROOM, Some(at(5)), at(1), now);
        let (first, late) = (missed(0), missed(SHARED * 10));
        let allow = async {
            tokio::task::yield_now().await;
            slow.allowed.notify_one();
        };
        let (first, late, ()) = tokio::join!(first, late, allow);
        assert!(first.is_ok() && late.is_ok());
        assert_eq!(slow.reads.load(Ordering::Relaxed), 1, "it had not been answered");
        let started = SHARED - 1;
        assert!(missed(started).await.is_ok());
        assert_eq!(slow.reads.load(Ordering::Relaxed), 1, "it was answered a moment ago");
        slow.allowed.notify_one();
        assert!(missed(SHARED).await.is_ok());
        assert_eq!(slow.reads.load(Ordering::Relaxed), 2, "the answer is old");
        // Nobody waits for it any more.
        drop(tokio::time::timeout(Duration::ZERO, missed(SHARED * 3)).await);
        slow.allowed.notify_one();
        assert!(missed(SHARED * 5).await.is_ok());
        assert_eq!(slow.reads.load(Ordering::Relaxed), 4, "who begins again reads itself");
    }
}
