//! `Slots`: the newest frame of each key, while a socket takes no bytes.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use crate::outbound::push::QueueLimits;

/// The newest frame of each key, in the order in which the keys came.
///
/// It exists only while the socket is blocked. It is bounded like the queue: beyond the limits, the
/// key that has waited longest gives way.
#[derive(Default)]
pub(super) struct Slots {
    /// Keys are chosen by clients: the map's hash is keyed. The number counts all slots ever made.
    numbers: HashMap<Arc<[u8]>, u64>,
    waiting: VecDeque<(Arc<[u8]>, Bytes)>,
    /// How many slots are gone from the front.
    gone: u64,
    bytes: usize,
}

impl Slots {
    /// Keeps `frame` as the newest of `key`; returns how many frames it replaced or displaced.
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

    /// The frames, in the order in which their keys came.
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
