//! Writes to all connections that have something to say, once a scheduler turn.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::Handle;

use super::{Flushed, Writable, WriteFailure};
use crate::sync::{Mutex, Notify};

/// The connections with something to write, in several lists.
///
/// A thread notes what it has pushed to in a list of its own, whosever connections these are: they
/// are written where they are in the cache, and a fan-out is not divided among workers.
pub(crate) struct Flusher<M> {
    /// Made for the first connection: before, there may be no runtime.
    lists: OnceLock<Box<[Arc<DirtyList<M>>]>>,
    write_timeout: Duration,
}

/// Connections with something to write.
pub(super) struct DirtyList<M> {
    dirty: Mutex<Vec<Arc<M>>>,
    wake: Notify,
    ended: AtomicBool,
}

thread_local! {
    /// Numbers the threads that note something.
    static THREAD: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed)
    };
}

impl<M: Writable> Flusher<M> {
    pub(crate) fn new(write_timeout: Duration) -> Self {
        Self { lists: OnceLock::new(), write_timeout }
    }

    /// Starts the flushing tasks, at the first connection.
    pub(crate) fn start(&self) {
        self.lists.get_or_init(|| {
            // Twice the workers: other threads push too, and thread numbers may share a list.
            let lists = 2 * Handle::current().metrics().num_workers();
            let start = |_| {
                let list = Arc::new(DirtyList::new());
                tokio::spawn(list.clone().run(self.write_timeout));
                list
            };
            (0..lists).map(start).collect()
        });
    }

    /// The list of this thread.
    fn list(&self) -> Option<&DirtyList<M>> {
        let lists = self.lists.get()?;
        lists.get(THREAD.with(|thread| *thread) % lists.len()).map(|list| &**list)
    }

    /// Notes one connection.
    pub(crate) fn mark(&self, member: Arc<M>) {
        if let Some(list) = self.list() {
            list.mark(member);
        }
    }

    /// Notes many connections and empties `members`.
    pub(crate) fn mark_all(&self, members: &mut Vec<Arc<M>>) {
        match self.list() {
            Some(list) if !members.is_empty() => list.mark_all(members),
            _ => members.clear(),
        }
    }
}

impl<M> Drop for Flusher<M> {
    fn drop(&mut self) {
        for list in self.lists.get().into_iter().flatten() {
            list.ended.store(true, Ordering::Release);
            list.wake.notify_one();
        }
    }
}

impl<M> DirtyList<M> {
    pub(super) fn new() -> Self {
        Self { dirty: Mutex::default(), wake: Notify::new(), ended: false.into() }
    }

    /// Notes one connection.
    pub(super) fn mark(&self, member: Arc<M>) {
        self.dirty.lock().push(member);
        self.wake.notify_one();
    }

    /// Notes many.
    fn mark_all(&self, members: &mut Vec<Arc<M>>) {
        self.dirty.lock().append(members);
        self.wake.notify_one();
    }

    /// Takes what is noted; `work` is empty.
    fn take(&self, work: &mut Vec<Arc<M>>) {
        std::mem::swap(work, &mut *self.dirty.lock());
    }

    /// Waits for something to write and takes it.
    #[cfg(jstack_loom)]
    pub(super) async fn next(&self, work: &mut Vec<Arc<M>>) {
        self.wake.notified().await;
        self.take(work);
    }
}

impl<M: Writable> DirtyList<M> {
    async fn run(self: Arc<Self>, write_timeout: Duration) {
        let mut work = Vec::new();
        while !self.ended.load(Ordering::Acquire) {
            self.wake.notified().await;
            // After the readers that are ready in this turn, so that one write carries what all
            // of them have to say.
            tokio::task::yield_now().await;
            self.take(&mut work);
            for member in work.drain(..) {
                match member.out().flush() {
                    Flushed::Done => {}
                    Flushed::Blocked => {
                        tokio::spawn(wait_for_reader(member, write_timeout));
                    }
                    Flushed::Failed => member.cut_off(WriteFailure::Lost),
                }
            }
        }
    }
}

/// Writes as fast as a slow reader takes it, and gives up on one that takes nothing at all.
async fn wait_for_reader<M: Writable>(member: Arc<M>, timeout: Duration) {
    let out = member.out();
    loop {
        match tokio::time::timeout(timeout, out.writable()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return member.cut_off(WriteFailure::Lost),
            Err(_) => return member.cut_off(WriteFailure::TimedOut),
        }
        match out.flush() {
            Flushed::Blocked => {}
            Flushed::Done => return,
            Flushed::Failed => return member.cut_off(WriteFailure::Lost),
        }
    }
}
