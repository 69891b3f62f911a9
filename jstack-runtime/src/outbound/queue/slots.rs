//! `Slots`: the newest frame of each key, while a socket is blocked.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use crate::outbound::push::QueueLimits;

/// The newest frame of each key, in the order of the keys' arrival.
///
/// It exists only while the socket is blocked. The limits of the queue apply to it: beyond them, the
/// key that has waited longest is dropped.
#[derive(Default)]
pub(super) struct Slots {
    /// The number of each key's slot, counting all slots that were ever made. Clients choose the
    /// keys, so the map's hash must be keyed.
    numbers: HashMap<Arc<[u8]>, u64>,
    waiting: VecDeque<(Arc<[u8]>, Bytes)>,
    /// The number of slots that were removed from the front, which is the number of the first
    /// waiting one.
    gone: u64,
    bytes: usize,
}

impl Slots {
    /// Keeps `frame` as the newest of `key`. Returns the number of frames it replaced or displaced.
    pub(super) fn put(&mut self, key: Box<[u8]>, frame: Bytes, limits: QueueLimits) -> u64 {
        let mut shed = 0;
        let slot = self.numbers.get(&*key).and_then(|number| {
            usize::try_from(number - self.gone).ok().and_then(|at| self.waiting.get_mut(at))
        });
        self.bytes += frame.len();
        if let Some((_, old)) = slot {
            self.bytes -= old.len();
            *old = frame;
            shed += 1;
        } else {
            let key: Arc<[u8]> = key.into();
            self.numbers.insert(key.clone(), self.gone + self.waiting.len() as u64);
            self.waiting.push_back((key, frame));
        }
        while self.waiting.len() > 1
            && (self.waiting.len() > limits.frames || self.bytes > limits.bytes)
        {
            if let Some((key, frame)) = self.waiting.pop_front() {
                self.numbers.remove(&key);
                self.bytes -= frame.len();
                self.gone += 1;
                shed += 1;
            }
        }
        shed
    }

    /// The frames, in the order of their keys' arrival.
    pub(super) fn into_frames(self) -> impl Iterator<Item = Bytes> {
        self.waiting.into_iter().map(|(_, frame)| frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: QueueLimits = QueueLimits { bytes: 1000, frames: 3 };

    fn put(slots: &mut Slots, key: &str, frame: &'static str) -> u64 {
        slots.put(key.as_bytes().into(), Bytes::from_static(frame.as_bytes()), LIMITS)
    }

    fn frames(slots: Slots) -> Vec<Bytes> {
        slots.into_frames().collect()
    }

    #[test]
    fn a_newer_frame_takes_the_place_of_the_older_one_of_its_key() {
        let mut slots = Slots::default();
        assert_eq!([put(&mut slots, "a", "1"), put(&mut slots, "b", "2")], [0, 0]);
        assert_eq!(put(&mut slots, "a", "3"), 1);
        assert_eq!(frames(slots), ["3", "2"]);
    }

    #[test]
    fn beyond_the_limits_the_key_that_waited_longest_gives_way() {
        let mut slots = Slots::default();
        for (key, frame) in [("a", "1"), ("b", "2"), ("c", "3")] {
            put(&mut slots, key, frame);
        }
        assert_eq!(put(&mut slots, "d", "4"), 1);
        assert_eq!(put(&mut slots, "c", "5"), 1);
        assert_eq!(frames(slots), ["2", "5", "4"]);
        let mut slots = Slots::default();
        put(&mut slots, "a", "1");
        let long = slots.put(b"b"[..].into(), Bytes::from(vec![0; 1000]), LIMITS);
        assert_eq!((long, frames(slots).len()), (1, 1));
    }
}
