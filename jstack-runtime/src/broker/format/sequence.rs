//! Sequence numbers: an origin numbers what it sends to a channel, and listeners detect holes.

use std::hash::BuildHasher as _;

use hashbrown::HashTable;

use super::envelope::Stamp;
use crate::platform::RandomState;

/// Channels that are counted at once. With more, counting starts again, which costs only a flag on
/// the next message of each channel.
const CHANNELS: usize = 65_536;
/// Origins that are followed on one channel. The one silent for longest is forgotten first.
const ORIGINS: usize = 256;

/// Numbers the messages of this process, channel by channel.
#[derive(Debug, Default)]
pub(crate) struct Sequencer {
    /// Clients choose room names: the hash is keyed, so that nobody can make them collide.
    key: RandomState,
    /// Indices into `counted`.
    indices: HashTable<usize>,
    counted: Vec<(Box<[u8]>, Counted)>,
    /// The index that was counted last. A burst mostly goes to one channel, whose name is then
    /// compared and not hashed.
    latest: usize,
    /// The highest number so far. Counting that starts again starts above it, so that the numbers
    /// of a channel only grow.
    highest: u64,
}

/// The number of a message on its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    /// The number that counting started with. No two channels have the same, so it identifies the
    /// channel.
    pub(crate) channel_key: u64,
    /// The number of the message.
    pub(crate) number: u64,
}

impl Sequencer {
    /// Numbers the next message to `channel`.
    pub(crate) fn next(&mut self, channel: &[u8]) -> Counted {
        let is_latest = self.counted.get(self.latest).is_some_and(|(name, _)| **name == *channel);
        if !is_latest {
            let hash = self.key.hash_one(channel);
            match self.indices.find(hash, |&index| *self.counted[index].0 == *channel) {
                Some(&index) => self.latest = index,
                None => return self.begin(hash, channel),
            }
        }
        let counted = &mut self.counted[self.latest].1;
        counted.number += 1;
        self.highest = self.highest.max(counted.number);
        *counted
    }

    fn begin(&mut self, hash: u64, channel: &[u8]) -> Counted {
        if self.counted.len() >= CHANNELS {
            self.indices.clear();
            self.counted.clear();
        }
        // Above every earlier number: this channel may just have been forgotten.
        self.highest += 1;
        let counted = Counted { channel_key: self.highest, number: self.highest };
        self.latest = self.counted.len();
        self.counted.push((channel.into(), counted));
        let (key, all) = (&self.key, &self.counted);
        self.indices.insert_unique(hash, self.latest, |&index| key.hash_one(&*all[index].0));
        counted
    }
}

impl Counted {
    /// Whether counting starts with this message.
    pub(crate) fn is_first(self) -> bool {
        self.number == self.channel_key
    }
}

/// The result of checking a message's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SequenceCheck {
    /// It follows the message before it.
    Next,
    /// So many messages are missing before it.
    Missing(u64),
    /// It, or a later one, was received already.
    Duplicate,
}

/// The origins that were heard on one channel, the latest first.
#[derive(Debug, Default)]
pub(crate) struct SequenceTracker(Vec<LastNumber>);

#[derive(Clone, Copy, Debug)]
struct LastNumber {
    origin: u64,
    last: u64,
    /// A gap was reported since: what is missing is known.
    gap_reported: bool,
}

impl SequenceTracker {
    /// Records a message and compares its number with the last one of its origin.
    pub(crate) fn record(&mut self, stamp: Stamp) -> SequenceCheck {
        let Some(at) = self.0.iter().position(|known| known.origin == stamp.origin) else {
            self.0.truncate(ORIGINS - 1);
            let (origin, last) = (stamp.origin, stamp.number);
            self.0.insert(0, LastNumber { origin, last, gap_reported: false });
            return SequenceCheck::Next;
        };
        if at > 0 {
            self.0[..=at].rotate_right(1);
        }
        let known = &mut self.0[0];
        if stamp.number <= known.last {
            return SequenceCheck::Duplicate;
        }
        let missing = stamp.number - known.last - 1;
        let expected = stamp.first || known.gap_reported || missing == 0;
        known.last = stamp.number;
        known.gap_reported = false;
        if expected { SequenceCheck::Next } else { SequenceCheck::Missing(missing) }
    }

    /// A gap was reported: the messages in it are not reported again.
    pub(crate) fn gap_reported(&mut self) {
        self.0.iter_mut().for_each(|known| known.gap_reported = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(origin: u64, number: u64) -> Stamp {
        Stamp { origin, number, first: false }
    }

    #[test]
    fn messages_of_a_channel_are_numbered_without_holes() {
        let mut sequencer = Sequencer::default();
        let mut next = |channel: &[u8]| {
            let counted = sequencer.next(channel);
            (counted.channel_key, counted.number, counted.is_first())
        };
        assert_eq!(next(b"a"), (1, 1, true));
        assert_eq!(next(b"a"), (1, 2, false));
        assert_eq!(next(b"b"), (3, 3, true));
        assert_eq!(next(b"a"), (1, 3, false));
        assert_eq!(next(b"b"), (3, 4, false));
    }

    #[test]
    fn a_channel_that_was_forgotten_goes_on_above_its_last_number() {
        let mut sequencer = Sequencer::default();
        let mut last = 0;
        for _ in 0..10 {
            last = sequencer.next(b"a").number;
        }
        for n in 0..CHANNELS {
            sequencer.next(n.to_string().as_bytes());
        }
        assert!(sequencer.counted.len() <= CHANNELS);
        let counted = sequencer.next(b"a");
        assert!(counted.is_first() && counted.number > last);
    }

    #[test]
    fn a_hole_is_seen_once_and_for_its_origin_alone() {
        let mut tracker = SequenceTracker::default();
        assert_eq!(tracker.record(stamp(1, 5)), SequenceCheck::Next);
        assert_eq!(tracker.record(stamp(2, 9)), SequenceCheck::Next);
        assert_eq!(tracker.record(stamp(1, 8)), SequenceCheck::Missing(2));
        assert_eq!(tracker.record(stamp(1, 9)), SequenceCheck::Next);
        assert_eq!(tracker.record(stamp(2, 10)), SequenceCheck::Next);
    }

    #[test]
    fn a_message_that_was_here_is_known_even_after_a_gap() {
        let mut tracker = SequenceTracker::default();
        tracker.record(stamp(1, 5));
        tracker.gap_reported();
        assert_eq!(tracker.record(stamp(1, 5)), SequenceCheck::Duplicate);
        assert_eq!(tracker.record(stamp(1, 9)), SequenceCheck::Next, "the gap was reported");
        assert_eq!(tracker.record(stamp(1, 11)), SequenceCheck::Missing(1));
        assert_eq!(tracker.record(stamp(1, 7)), SequenceCheck::Duplicate);
    }

    #[test]
    fn counting_that_starts_again_is_not_a_hole() {
        let mut tracker = SequenceTracker::default();
        tracker.record(stamp(1, 5));
        assert_eq!(
            tracker.record(Stamp { origin: 1, number: 70, first: true }),
            SequenceCheck::Next
        );
        assert_eq!(tracker.record(stamp(1, 71)), SequenceCheck::Next);
    }

    #[test]
    fn origins_that_come_and_go_are_forgotten_the_oldest_first() {
        let mut tracker = SequenceTracker::default();
        tracker.record(stamp(0, 1));
        for origin in 1..=ORIGINS as u64 {
            tracker.record(stamp(1_000, origin));
            tracker.record(stamp(origin, 1));
        }
        assert_eq!(tracker.0.len(), ORIGINS);
        assert_eq!(
            tracker.record(stamp(1_000, 999)),
            SequenceCheck::Missing(999 - ORIGINS as u64 - 1)
        );
        assert_eq!(tracker.record(stamp(0, 50)), SequenceCheck::Next, "forgotten");
    }
}
