//! Nothing is lost silently: numbers are published all the time, and what was heard is held
//! against what Redis took. Between two numbers that were heard, one that was taken may only be
//! missing where a gap was reported, and no number is heard twice or out of order.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jstack_runtime::broker::Scope;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::{Item, Process, message, text};

/// What an emit may take, with something for a busy machine.
const DEADLINE: Duration = Duration::from_millis(2_500);
/// Numbers that are published at once, at most.
const TOGETHER: u64 = 8;

/// Publishes without end, and notes what Redis took.
pub struct Publishing {
    stop: Arc<AtomicBool>,
    next: Arc<AtomicU64>,
    task: JoinHandle<(BTreeSet<u64>, Duration)>,
}

impl Publishing {
    pub fn start(process: &Arc<Process>, room: Scope<'static>) -> Self {
        let (stop, next) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (process, stopped, counter) = (process.clone(), stop.clone(), next.clone());
        let task = tokio::spawn(async move {
            let (mut taken, mut slowest) = (BTreeSet::new(), Duration::ZERO);
            let mut turns = 0;
            while !stopped.load(Ordering::Relaxed) {
                turns += 1;
                let since = Instant::now();
                // Sometimes one goes out by itself, sometimes several wait together.
                let published: Vec<_> = (0..1 + turns % TOGETHER)
                    .map(|_| {
                        let n = counter.fetch_add(1, Ordering::Relaxed);
                        (n, process.publish(room, &text(n)))
                    })
                    .collect();
                for (n, published) in published {
                    match published.await {
                        Ok(()) => drop(taken.insert(n)),
                        Err(error) => {
                            assert_eq!((error.status().as_u16(), error.code()), (503, "broker"));
                        }
                    }
                }
                slowest = slowest.max(since.elapsed());
                sleep(Duration::from_millis(2)).await;
            }
            (taken, slowest)
        });
        Self { stop, next, task }
    }

    /// Numbers from this one on are yet to be published.
    pub fn next(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// Waits until both hear what is published from now on; returns how long that took.
    pub async fn until_heard(&self, room: Scope<'_>, [here, there]: [&Process; 2]) -> Duration {
        let (since, from) = (Instant::now(), self.next());
        let newer = |items: &[Item]| items.iter().any(|item| is_from(item, from));
        tokio::join!(here.rooms.until(room, newer), there.rooms.until(room, newer));
        since.elapsed()
    }

    /// Ends, and compares what both heard with what was taken. Returns how many gaps were reported
    /// to each.
    pub async fn judge(self, room: Scope<'_>, [here, there]: [&Process; 2]) -> [usize; 2] {
        self.stop.store(true, Ordering::Relaxed);
        let (taken, slowest) = self.task.await.unwrap();
        assert!(slowest <= DEADLINE, "an emit took {slowest:?}");
        let last = message(*taken.last().unwrap());
        let whole = |items: &[Item]| items.contains(&last);
        let (first, second) =
            tokio::join!(here.rooms.until(room, whole), there.rooms.until(room, whole));
        [check(&first, &taken, 0), check(&second, &taken, 0)]
    }
}

/// Compares what was heard with what was taken. Returns how many gaps were reported.
pub fn check(heard: &[Item], taken: &BTreeSet<u64>, from: u64) -> usize {
    let (mut expected, mut gap, mut gaps) = (from, false, 0);
    for item in heard {
        match item {
            Item::Gap(_) => (gap, gaps) = (true, gaps + 1),
            Item::Message(text) => {
                let (_, n): (String, u64) = serde_json::from_str(text).unwrap();
                assert!(n >= expected, "{n} came twice or late; {expected} was next");
                if let Some(lost) = taken.range(expected..n).next() {
                    assert!(gap, "{lost} was taken and not heard, and no gap was reported");
                }
                (expected, gap) = (n + 1, false);
            }
        }
    }
    assert!(gap || taken.range(expected..).next().is_none(), "the end was lost silently");
    gaps
}

/// Whether it is the number `from`, or a later one.
pub fn is_from(item: &Item, from: u64) -> bool {
    matches!(item, Item::Message(text) if number(text) >= from)
}

pub fn number(text: &str) -> u64 {
    serde_json::from_str::<(String, u64)>(text).unwrap().1
}
