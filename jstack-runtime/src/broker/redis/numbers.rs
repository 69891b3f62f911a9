//! Counting messages, so that a hole is seen: an origin numbers what it sends to a channel, and
//! who listens compares.

use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;

use super::envelope::Stamp;

/// Channels that are counted at once; with more, counting starts anew, which costs nothing but
/// a flag on the next message of each.
const CHANNELS: usize = 65_536;
/// Origins that are followed on one channel; the one unheard for longest is forgotten first.
const ORIGINS: usize = 256;

/// The numbers of one origin.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Clients name rooms: the hash is keyed, so that none can be made to collide.
    key: RandomState,
    /// Places in `counted`.
    places: HashTable<usize>,
    counted: Vec<(Box<[u8]>, Counted)>,
    /// The place that was counted last: what comes in a burst mostly goes to one channel, whose
    /// name is compared and not hashed.
    latest: usize,
    /// No number was ever higher: a count that starts anew starts above it, so that numbers of
    /// one channel only grow.
    highest: u64,
}

/// Where the counting on one channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counted {
    /// The number that counting started with. No two channels have the same, so it stands for
    /// the channel.
    pub(super) series: u64,
    /// The number of the message.
    pub(super) number: u64,
}

impl Counters {
    /// Counts the next message to `channel`.
    pub(super) fn next(&mut self, channel: &[u8]) -> Counted {
        let is_latest = self.counted.get(self.latest).is_some_and(|(name, _)| **name == *channel);
        if !is_latest {
            let hash = self.key.hash_one(channel);
            match self.places.find(hash, |&place| *self.counted[place].0 == *channel) {
                Some(&place) => self.latest = place,
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
            self.places.clear();
            self.counted.clear();
        }
        // Above every number given before, for this channel may have been forgotten just now.
        self.highest += 1;
        let counted = Counted { series: self.highest, number: self.highest };
        self.latest = self.counted.len();
        self.counted.push((channel.into(), counted));
        let (key, all) = (&self.key, &self.counted);
        self.places.insert_unique(hash, self.latest, |&place| key.hash_one(&*all[place].0));
        counted
    }
}

impl Counted {
    /// Counting starts with this message.
    pub(super) fn is_first(self) -> bool {
        self.number == self.series
    }
}

/// What a message's number says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It follows the one before.
    Next,
    /// So many are missing before it.
    After(u64),
    /// It, or a later one, was here already.
    Again,
}

/// The origins heard on one channel, the latest first.
#[derive(Debug, Default)]
pub(super) struct Origins(Vec<Heard>);

#[derive(Clone, Copy, Debug)]
struct Heard {
    origin: u64,
    last: u64,
    /// A gap was told of since; what is missing is known.
    told: bool,
}

impl Origins {
    /// Notes a message.
    pub(super) fn hear(&mut self, stamp: Stamp) -> Seen {
        let Some(at) = self.0.iter().position(|heard| heard.origin == stamp.origin) else {
            self.0.truncate(ORIGINS - 1);
            let heard = Heard { origin: stamp.origin, last: stamp.number, told: false };
            self.0.insert(0, heard);
            return Seen::Next;
        };
        if at > 0 {
            self.0[..=at].rotate_right(1);
        }
        let heard = &mut self.0[0];
        if stamp.number <= heard.last {
            return Seen::Again;
        }
        let missing = stamp.number - heard.last - 1;
        let expected = stamp.first || heard.told || missing == 0;
        heard.last = stamp.number;
        heard.told = false;
        if expected { Seen::Next } else { Seen::After(missing) }
    }

    /// Takes note that a gap was told of, so that what it swallowed is not told of again.
    pub(super) fn told(&mut self) {
        self.0.iter_mut().for_each(|heard| heard.told = true);
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
        let mut counters = Counters::default();
        let mut next = |channel: &[u8]| {
            let counted = counters.next(channel);
            (counted.series, counted.number, counted.is_first())
        };
        assert_eq!(next(b"a"), (1, 1, true));
        assert_eq!(next(b"a"), (1, 2, false));
        assert_eq!(next(b"b"), (3, 3, true));
        assert_eq!(next(b"a"), (1, 3, false));
        assert_eq!(next(b"b"), (3, 4, false));
    }

    #[test]
    fn a_channel_that_was_forgotten_goes_on_above_its_last_number() {
        let mut counters = Counters::default();
        let mut last = 0;
        for _ in 0..10 {
            last = counters.next(b"a").number;
        }
        for n in 0..CHANNELS {
            counters.next(n.to_string().as_bytes());
        }
        assert!(counters.counted.len() <= CHANNELS);
        let counted = counters.next(b"a");
        assert!(counted.is_first() && counted.number > last);
    }

    #[test]
    fn a_hole_is_seen_once_and_for_its_origin_alone() {
        let mut origins = Origins::default();
        assert_eq!(origins.hear(stamp(1, 5)), Seen::Next);
        assert_eq!(origins.hear(stamp(2, 9)), Seen::Next);
        assert_eq!(origins.hear(stamp(1, 8)), Seen::After(2));
        assert_eq!(origins.hear(stamp(1, 9)), Seen::Next);
        assert_eq!(origins.hear(stamp(2, 10)), Seen::Next);
    }

    #[test]
    fn a_message_that_was_here_is_known_even_after_a_gap() {
        let mut origins = Origins::default();
        origins.hear(stamp(1, 5));
        origins.told();
        assert_eq!(origins.hear(stamp(1, 5)), Seen::Again);
        assert_eq!(origins.hear(stamp(1, 9)), Seen::Next, "the gap was told of");
        assert_eq!(origins.hear(stamp(1, 11)), Seen::After(1));
        assert_eq!(origins.hear(stamp(1, 7)), Seen::Again);
    }

    #[test]
    fn counting_that_starts_anew_is_no_hole() {
        let mut origins = Origins::default();
        origins.hear(stamp(1, 5));
        assert_eq!(origins.hear(Stamp { origin: 1, number: 70, first: true }), Seen::Next);
        assert_eq!(origins.hear(stamp(1, 71)), Seen::Next);
    }

    #[test]
    fn origins_that_come_and_go_are_forgotten_the_oldest_first() {
        let mut origins = Origins::default();
        origins.hear(stamp(0, 1));
        for origin in 1..=ORIGINS as u64 {
            origins.hear(stamp(1_000, origin));
            origins.hear(stamp(origin, 1));
        }
        assert_eq!(origins.0.len(), ORIGINS);
        assert_eq!(origins.hear(stamp(1_000, 999)), Seen::After(999 - ORIGINS as u64 - 1));
        assert_eq!(origins.hear(stamp(0, 50)), Seen::Next, "forgotten");
    }
}
