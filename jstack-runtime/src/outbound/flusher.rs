//! Writes to all connections that have something to say, once a scheduler turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::{Flushed, Outbound};
use crate::sync::{Mutex, Notify};

/// The connections with something to write, in as many lists as there are workers.
pub(crate) struct Flusher<M> {
    lists: Box<[Arc<List<M>>]>,
    next: AtomicUsize,
    started: AtomicBool,
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
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            lists: (0..workers).map(|_| Arc::new(List::new())).collect(),
            next: AtomicUsize::new(0),
            started: AtomicBool::new(false),
            write_timeout,
        }
    }

    /// The list for a new connection. The first one starts the flushing tasks: before, there may
    /// be no runtime.
    pub(crate) fn assign(&self) -> usize {
        if !self.started.swap(true, Ordering::AcqRel) {
            for list in &self.lists {
                tokio::spawn(list.clone().run(self.write_timeout));
            }
        }
        self.next.fetch_add(1, Ordering::Relaxed) % self.lists.len()
    }

    /// Notes one connection.
    pub(crate) fn mark(&self, list: usize, member: Arc<M>) {
        if let Some(list) = self.lists.get(list) {
            list.mark(member);
        }
    }

    /// Notes many connections and empties `members`.
    pub(crate) fn mark_all(&self, members: &mut Vec<Arc<M>>, list_of: impl Fn(&M) -> usize) {
        if members.is_empty() {
            return;
        }
        if let [only] = &*self.lists {
            only.dirty.lock().append(members);
            only.wake.notify_one();
            return;
        }
        for (index, list) in self.lists.iter().enumerate() {
            let mut theirs = members.iter().filter(|m| list_of(m) == index).cloned().peekable();
            if theirs.peek().is_some() {
                list.dirty.lock().extend(theirs);
                list.wake.notify_one();
            }
        }
        members.clear();
    }
}

impl<M> Drop for Flusher<M> {
    fn drop(&mut self) {
        for list in &self.lists {
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
