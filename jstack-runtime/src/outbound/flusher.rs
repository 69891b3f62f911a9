//! The flusher: writes all queues with pending frames, once per scheduler turn.
//!
//! ```text
//!   thread 1: publishers ── mark ──► list 1 ── wake ──► task: let readers run, take, flush each
//!   thread 2: publishers ── mark ──► list 2 ── wake ──► task: …
//! ```
//!
//! Each thread has its own list. A fan-out is therefore flushed where it was produced, while the
//! queues are still in that core's cache.
//!
//! A mark is never lost. It is in the list before `wake`, and `wake` stores one permit: a task that
//! is between two waits finds it. A connection is in one list at most, because only the push that
//! schedules a flush returns [`Pushed::Dirty`](super::Pushed::Dirty).

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::Handle;

use super::{Flushed, Writable, WriteFailure};
use crate::sync::{Mutex, Notify};

/// Reads in one scheduler turn from which on other readers are probably still waiting.
///
/// The number is small because the flusher is mostly woken within a turn, and sees only its rest.
const BUSY_TURN: u32 = 8;
/// Reads after which the flusher writes, even if readers are still waiting.
const MOST_READS: u32 = 1024;

/// The connections with pending frames, in one list for each thread that pushes.
pub(crate) struct Flusher<M> {
    /// Made for the first connection: earlier there may be no runtime.
    lists: OnceLock<Box<[Arc<DirtyList<M>>]>>,
    write_timeout: Duration,
}

/// The connections that one flushing task has to write.
pub(super) struct DirtyList<M> {
    dirty: Mutex<Vec<Arc<M>>>,
    wake: Notify,
    ended: AtomicBool,
}

thread_local! {
    /// The number of this thread, in the order in which threads first pushed.
    static THREAD: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed)
    };
}

thread_local! {
    /// Reads on this thread that returned bytes, modulo the type.
    static READS: Cell<u32> = const { Cell::new(0) };
}

/// Counts a read that returned bytes.
#[inline]
pub(crate) fn note_read() {
    READS.with(|reads| reads.set(reads.get().wrapping_add(1)));
}

/// Yields until the readers that are ready have run, so that one write carries the output of all.
///
/// After `event_interval` tasks (61 by default), a worker polls for I/O and then runs the flusher.
/// If many readers ran in that turn, others are probably still in the runtime's queues. A write at
/// that moment would cost one system call for each connection and every 61 readers. The clients
/// that it reaches would send again, and their messages would delay the readers that still wait.
async fn let_readers_run() {
    let (mut gathered, mut busy) = (0, true);
    while busy && gathered < MOST_READS {
        let (thread, before) = (THREAD.with(|thread| *thread), READS.get());
        tokio::task::yield_now().await;
        if THREAD.with(|now| *now != thread) {
            // Another worker runs this task now. Its count of reads is not comparable.
            return;
        }
        let turn = READS.get().wrapping_sub(before);
        busy = turn >= BUSY_TURN;
        gathered += turn;
    }
}

impl<M: Writable> Flusher<M> {
    pub(crate) fn new(write_timeout: Duration) -> Self {
        Self { lists: OnceLock::new(), write_timeout }
    }

    /// Starts the flushing tasks, at the first connection.
    pub(crate) fn start(&self) {
        self.lists.get_or_init(|| {
            // Twice the workers: other threads push too, and their numbers may collide modulo
            // the number of lists.
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

    /// Adds a connection to the list of this thread.
    pub(crate) fn mark(&self, member: Arc<M>) {
        if let Some(list) = self.list() {
            list.mark(member);
        }
    }

    /// Adds many connections to the list of this thread, and empties `members`.
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

    /// Adds a connection.
    pub(super) fn mark(&self, member: Arc<M>) {
        self.dirty.lock().push(member);
        self.wake.notify_one();
    }

    /// Adds many connections, and empties `members`.
    fn mark_all(&self, members: &mut Vec<Arc<M>>) {
        self.dirty.lock().append(members);
        self.wake.notify_one();
    }

    /// Moves the list to `work`, which must be empty.
    fn take(&self, work: &mut Vec<Arc<M>>) {
        std::mem::swap(work, &mut *self.dirty.lock());
    }

    /// Waits for connections and moves them to `work`.
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
            let_readers_run().await;
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

/// Writes as fast as a slow client reads, and cuts off one that reads nothing within `timeout`.
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::{MOST_READS, let_readers_run, note_read};

    /// Wakes the flusher while `readers` are ready. Returns how many of them ran before it wrote.
    async fn gathered(readers: u32) -> u32 {
        gathered_by(let_readers_run(), readers).await
    }

    async fn gathered_by(wait: impl Future<Output = ()> + Send + 'static, readers: u32) -> u32 {
        let flusher = tokio::spawn(async move {
            let ran = Arc::new(AtomicU32::new(0));
            for _ in 0..readers {
                let ran = ran.clone();
                tokio::spawn(async move {
                    note_read();
                    ran.fetch_add(1, Ordering::Relaxed);
                });
            }
            wait.await;
            ran.load(Ordering::Relaxed)
        });
        flusher.await.expect("no panic")
    }

    /// Why the flusher waits for more than one turn. tokio ends a turn after 61 tasks, and the task
    /// that was woken last runs first in the next.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn one_turn_is_too_short_for_many_readers() {
        for _ in 0..20 {
            let ran = gathered_by(tokio::task::yield_now(), 1000).await;
            assert!(ran < 200, "{ran}");
        }
    }

    /// In a few turns, the flusher sees only the last readers.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn readers_that_are_ready_share_a_write() {
        let mut shared = 0;
        for _ in 0..20 {
            shared += u32::from(gathered(1000).await == 1000);
        }
        assert!(shared >= 15, "{shared} of 20");
    }

    #[tokio::test]
    async fn also_on_a_runtime_of_one_thread() {
        assert_eq!(gathered(1000).await, 1000);
    }

    /// A flood of reads does not delay writes for ever.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn beyond_a_number_of_reads_the_flusher_writes() {
        let ran = gathered(20 * MOST_READS).await;
        assert!((MOST_READS..2 * MOST_READS).contains(&ran), "{ran}");
    }
}
