//! The log of one channel in memory.
//!
//! ```text
//!   offset:   1 … base │ base + 1 … top │ top + 1
//!             forgotten │    entries    │ next
//! ```
//!
//! Invariant: the entries have the offsets `base + 1` to `top`, without holes.

use std::collections::VecDeque;
use std::time::Duration;

use super::page::{Entry, GapReason, Page, PageLimit};
use super::position::{Epoch, Keep, Position};
use crate::platform::Instant;

/// Bytes of JSON that one log may keep, whatever its bounds say.
pub(super) const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The log of one channel.
pub(super) struct Log {
    epoch: Epoch,
    /// The offset before the first entry.
    base: u64,
    entries: VecDeque<(Instant, Entry)>,
    /// Bytes of JSON in the entries.
    bytes: usize,
    /// For how long the entries are kept, by the latest publish.
    age: Duration,
    /// When it was last used to publish, or asked for its top.
    used: Instant,
}

impl Log {
    /// An empty log that continues after the offset `base`.
    pub(super) fn new(epoch: Epoch, base: u64, now: Instant) -> Self {
        let entries = VecDeque::new();
        Self { epoch, base, entries, bytes: 0, age: Duration::MAX, used: now }
    }

    pub(super) fn top(&self) -> Position {
        let kept = u64::try_from(self.entries.len()).unwrap_or(u64::MAX);
        Position::new(self.epoch, self.base.saturating_add(kept))
    }

    /// Appends an entry, which gets its offset here, and forgets what the bounds do not allow.
    pub(super) fn append(&mut self, mut entry: Entry, keep: Keep, now: Instant) -> Position {
        let position = Position::new(self.epoch, self.top().offset().saturating_add(1));
        entry.offset = position.offset();
        self.bytes += entry.json.len();
        self.entries.push_back((now, entry));
        (self.age, self.used) = (keep.age, now);
        let count = usize::try_from(keep.count.max(1)).unwrap_or(usize::MAX);
        // The latest entry stays, however long it is.
        while self.entries.len() > count || (self.bytes > MAX_BYTES && self.entries.len() > 1) {
            self.forget_first();
        }
        self.forget_old(now);
        position
    }

    fn forget_first(&mut self) {
        if let Some((_, entry)) = self.entries.pop_front() {
            self.base += 1;
            self.bytes -= entry.json.len();
        }
    }

    /// Forgets the entries that are too old.
    pub(super) fn forget_old(&mut self, now: Instant) {
        let is_old = |at: Instant| now.duration_since(at) > self.age;
        let old = self.entries.iter().take_while(|(at, _)| is_old(*at)).count();
        (0..old).for_each(|_| self.forget_first());
        if self.entries.is_empty() {
            self.entries.shrink_to_fit();
        }
    }

    /// Forgets all entries; offsets continue.
    pub(super) fn clear(&mut self) {
        self.base = self.top().offset();
        self.entries = VecDeque::new();
        self.bytes = 0;
    }

    pub(super) fn touch(&mut self, now: Instant) {
        self.used = now;
    }

    /// For how long it was empty and not used; `None` while it has entries.
    pub(super) fn idle(&self, now: Instant) -> Option<Duration> {
        self.entries.is_empty().then(|| now.duration_since(self.used))
    }

    pub(super) fn after(&self, after: Position, limit: PageLimit) -> Page {
        let top = self.top();
        let (skip, gap) = if after.epoch() != self.epoch || after.offset() > top.offset() {
            (0, Some(GapReason::Reset))
        } else if after.offset() < self.base {
            (0, Some(GapReason::Expired))
        } else {
            (after.offset() - self.base, None)
        };
        let skip = usize::try_from(skip).unwrap_or(usize::MAX).min(self.entries.len());
        let rest = self.entries.range(skip..).map(|(_, entry)| entry);
        let entries = page(rest, limit);
        let more = skip + entries.len() < self.entries.len();
        Page { top, entries, more, gap }
    }

    pub(super) fn before(&self, before: Option<u64>, limit: PageLimit) -> Page {
        let end = before.map_or(u64::MAX, |before| before.saturating_sub(self.base + 1));
        let end = usize::try_from(end).unwrap_or(usize::MAX).min(self.entries.len());
        let mut entries = page(self.entries.range(..end).rev().map(|(_, entry)| entry), limit);
        entries.reverse();
        Page { top: self.top(), more: entries.len() < end, entries, gap: None }
    }
}

/// As many of the entries as the limit allows.
fn page<'a>(entries: impl Iterator<Item = &'a Entry>, limit: PageLimit) -> Vec<Entry> {
    let (mut page, mut bytes) = (Vec::new(), 0_usize);
    for entry in entries {
        if !limit.has_room(page.len(), bytes, entry.json.len()) {
            break;
        }
        bytes += entry.json.len();
        page.push(entry.clone());
    }
    page
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use proptest::prelude::*;

    use super::*;

    const EPOCH: Epoch = Epoch::new(7);
    const ALL: PageLimit = PageLimit { items: usize::MAX, bytes: usize::MAX };

    fn entry(length: usize) -> Entry {
        let json = Bytes::from(vec![b'x'; length]);
        Entry { offset: 0, at_millis: 0, json, except: Vec::new(), except_rooms: Vec::new() }
    }

    fn offsets(page: &Page) -> Vec<u64> {
        page.entries.iter().map(|entry| entry.offset).collect()
    }

    #[test]
    fn one_log_keeps_a_bounded_number_of_bytes_and_its_latest_entry() {
        let (now, keep) = (Instant::now(), Keep { count: 100, age: Duration::MAX });
        let mut log = Log::new(EPOCH, 0, now);
        for _ in 0..5 {
            log.append(entry(MAX_BYTES / 3), keep, now);
        }
        assert_eq!(offsets(&log.before(None, ALL)), [3, 4, 5]);
        log.append(entry(MAX_BYTES * 2), keep, now);
        let page = log.after(Position::new(EPOCH, 4), ALL);
        assert_eq!((offsets(&page), page.gap), (vec![6], Some(GapReason::Expired)));
    }

    /// What is done to a log.
    #[derive(Clone, Debug)]
    enum Step {
        Append { length: usize },
        Wait { seconds: u64 },
        Clear,
        After { epoch: u64, back: u64, items: usize, bytes: usize },
        Before { back: Option<u64>, items: usize, bytes: usize },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let limit = || (1..8_usize, 0..30_usize);
        let step = prop_oneof![
            8 => (1..10_usize).prop_map(|length| Step::Append { length }),
            2 => (1..8_u64).prop_map(|seconds| Step::Wait { seconds }),
            1 => Just(Step::Clear),
            6 => (6..8_u64, 0..20_u64, limit())
                .prop_map(|(epoch, back, (items, bytes))| Step::After { epoch, back, items, bytes }),
            4 => (prop::option::of(0..20_u64), limit())
                .prop_map(|(back, (items, bytes))| Step::Before { back, items, bytes }),
        ];
        prop::collection::vec(step, 1..60)
    }

    /// The same, said as plainly as it can be: every message ever, and whether it is kept.
    #[derive(Default)]
    struct Model {
        /// When each message came, and its length.
        all: Vec<(u64, usize)>,
        cleared: usize,
    }

    impl Model {
        /// When the message of an offset came, and its length.
        fn message(&self, offset: u64) -> (u64, usize) {
            self.all[usize::try_from(offset).unwrap() - 1]
        }

        fn kept(&self, keep: Keep, now: u64) -> Vec<u64> {
            let first = self.all.len().saturating_sub(keep.count as usize).max(self.cleared);
            let young = |n: &u64| now - self.message(*n).0 <= keep.age.as_secs();
            (first as u64 + 1..=self.all.len() as u64).filter(young).collect()
        }

        fn page(&self, offsets: impl Iterator<Item = u64>, items: usize, bytes: usize) -> Vec<u64> {
            let mut sum = 0;
            let fits = |(n, offset): &(usize, u64)| {
                sum += self.message(*offset).1;
                *n == 0 || (*n < items && sum <= bytes)
            };
            offsets.enumerate().take_while(fits).map(|(_, offset)| offset).collect()
        }
    }

    proptest! {
        #[test]
        fn pages_are_those_of_a_list_that_forgets_nothing(
            steps in steps(), count in 1..6_u32, age in 1..10_u64, base in 0..3_u64,
        ) {
            let (start, mut now) = (Instant::now(), 0);
            let keep = Keep { count, age: Duration::from_secs(age) };
            let mut log = Log::new(EPOCH, base, start);
            let mut model = Model::default();
            let at = |now| start + Duration::from_secs(now);
            for step in steps {
                log.forget_old(at(now));
                let (kept, top) = (model.kept(keep, now), model.all.len() as u64);
                match step {
                    Step::Append { length } => {
                        model.all.push((now, length));
                        let position = log.append(entry(length), keep, at(now));
                        prop_assert_eq!(position, Position::new(EPOCH, base + top + 1));
                    }
                    Step::Wait { seconds } => now += seconds,
                    Step::Clear => {
                        model.cleared = model.all.len();
                        log.clear();
                    }
                    Step::After { epoch, back, items, bytes } => {
                        // Sometimes beyond the end.
                        let from = (top + 3).saturating_sub(back);
                        let page = log.after(
                            Position::new(Epoch::new(epoch), base + from),
                            PageLimit { items, bytes },
                        );
                        let first = kept.first().copied().unwrap_or(top + 1);
                        let gap = if epoch != 7 || from > top {
                            Some(GapReason::Reset)
                        } else {
                            (from + 1 < first).then_some(GapReason::Expired)
                        };
                        let from = if gap == Some(GapReason::Reset) { 0 } else { from };
                        let rest: Vec<_> = kept.iter().copied().filter(|n| *n > from).collect();
                        let expected = model.page(rest.iter().copied(), items, bytes);
                        prop_assert_eq!(page.gap, gap);
                        prop_assert_eq!(page.top, Position::new(EPOCH, base + top));
                        prop_assert_eq!(page.more, expected.len() < rest.len());
                        let expected: Vec<_> = expected.iter().map(|n| n + base).collect();
                        prop_assert_eq!(offsets(&page), expected);
                    }
                    Step::Before { back, items, bytes } => {
                        let before = back.map(|back| (top + 3).saturating_sub(back));
                        let page = log.before(
                            before.map(|n| n + base),
                            PageLimit { items, bytes },
                        );
                        let under = |n: &u64| before.is_none_or(|before| *n < before);
                        let rest: Vec<_> = kept.iter().copied().filter(under).collect();
                        let mut expected = model.page(rest.iter().rev().copied(), items, bytes);
                        expected.reverse();
                        prop_assert_eq!(page.more, expected.len() < rest.len());
                        let expected: Vec<_> = expected.iter().map(|n| n + base).collect();
                        prop_assert_eq!(offsets(&page), expected);
                        prop_assert_eq!(page.gap, None);
                    }
                }
            }
        }
    }
}
