//! Writes to all connections that have something to say, once a scheduler turn.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::Handle;

use super::{Flushed, Outbound};
use crate::sync::{Mutex, Notify};

/// The connections with something to write, in as many lists as there are workers.
pub(crate) struct Flusher<M> {
    /// Made for the first connection: before, there may be no runtime.
    lists: OnceLock<Box<[Arc<List<M>>]>>,
    next: AtomicUsize,
    write_timeout: Duration,
}

/// The connections of one worker with something to write.
pub(super) struct List<M> {
    dirty: Mutex<Vec<Arc<M>>>,
    wake: Notify,
    ended: AtomicBool,
}

impl<M: AsRef<Outbound> + Send + Sync + 'static> Flusher<M> {
    pub(crate) fn new(write_timeout: Duration) -> Self {
        Self { lists: OnceLock::new(), next: AtomicUsize::new(0), write_timeout }
    }

    /// The list for a new connection. The first one starts the flushing tasks.
    pub(crate) fn assign(&self) -> usize {
        let lists = self.lists.get_or_init(|| {
            let workers = Handle::current().metrics().num_workers();
            let start = |_| {
                let list = Arc::new(List::new());
                tokio::spawn(list.clone().run(self.write_timeout));
                list
            };
            (0..workers.max(1)).map(start).collect()
        });
        self.next.fetch_add(1, Ordering::Relaxed) % lists.len()
    }

    fn lists(&self) -> &[Arc<List<M>>] {
        self.lists.get().map_or(&[], |lists| lists)
    }

    /// Notes one connection.
    pub(crate) fn mark(&self, list: usize, member: Arc<M>) {
        if let Some(list) = self.lists().get(list) {
            list.mark(member);
        }
    }

    /// Notes many connections and empties `members`.
    pub(crate) fn mark_all(&self, members: &mut Vec<Arc<M>>, list_of: impl Fn(&M) -> usize) {
        if let [only] = self.lists() {
            return only.mark_all(members.drain(..));
        }
        for (index, list) in self.lists().iter().enumerate() {
            list.mark_all(members.extract_if(.., |member| list_of(member) == index));
        }
        members.clear();
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

impl<M> List<M> {
    pub(super) fn new() -> Self {
        Self { dirty: Mutex::default(), wake: Notify::new(), ended: false.into() }
    }

    /// Notes one connection.
    pub(super) fn mark(&self, member: Arc<M>) {
        self.dirty.lock().push(member);
        self.wake.notify_one();
    }

    /// Notes many.
    fn mark_all(&self, members: impl Iterator<Item = Arc<M>>) {
        let mut members = members.peekable();
        if members.peek().is_some() {
            self.dirty.lock().extend(members);
            self.wake.notify_one();
        }
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

impl<M: AsRef<Outbound> + Send + Sync + 'static> List<M> {
    async fn run(self: Arc<Self>, write_timeout: Duration) {
        let mut work = Vec::new();
        while !self.ended.load(Ordering::Acquire) {
            self.wake.notified().await;
            // After the readers that are ready in this turn, so that one write carries what all
            // of them have to say.
            tokio::task::yield_now().await;
            self.take(&mut work);
            for member in work.drain(..) {
                if (*member).as_ref().flush() == Flushed::Blocked {
                    tokio::spawn(wait_for_reader(member, write_timeout));
                }
            }
        }
    }
}

/// Writes as fast as a slow reader takes it, and gives up on one that takes nothing at all.
async fn wait_for_reader<M: AsRef<Outbound> + Send + Sync>(member: Arc<M>, patience: Duration) {
    let out: &Outbound = (*member).as_ref();
    loop {
        match tokio::time::timeout(patience, out.writable()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return out.kill(),
        }
        match out.flush() {
            Flushed::Blocked => {}
            Flushed::Done | Flushed::Failed => return,
        }
    }
}
