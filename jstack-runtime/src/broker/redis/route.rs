//! Which server carries which channel.

#[cfg(feature = "redis-cluster")]
use std::collections::HashSet;
#[cfg(feature = "redis-cluster")]
use std::sync::Arc;

/// The shard of channels that no known server carries.
#[cfg(feature = "redis-cluster")]
pub(crate) const NOWHERE: usize = 0;
/// The number of slots of a cluster.
#[cfg(feature = "redis-cluster")]
pub(crate) const SLOTS: usize = 16_384;

/// Which shard carries a channel. A shard is what one server carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// One server carries all of them, as shard 0.
    One,
    /// The shard of each slot of a cluster.
    #[cfg(feature = "redis-cluster")]
    Slots(Arc<[u16]>),
}

impl Route {
    /// A cluster whose topology is not known yet.
    #[cfg(feature = "redis-cluster")]
    pub(crate) fn nowhere() -> Self {
        Self::Slots(Arc::from(vec![0; SLOTS]))
    }

    /// The shards that carry something.
    #[cfg(feature = "redis-cluster")]
    pub(crate) fn shards(&self) -> HashSet<usize> {
        slots().map(|slot| self.shard(slot)).collect()
    }

    /// From which shard to which other the slots move with the route `next`.
    #[cfg(feature = "redis-cluster")]
    pub(crate) fn moves_to(&self, next: &Self) -> HashSet<(usize, usize)> {
        let moves = slots().map(|slot| (self.shard(slot), next.shard(slot)));
        moves.filter(|(from, to)| from != to).collect()
    }

    pub(crate) fn is_one(&self) -> bool {
        matches!(self, Self::One)
    }

    /// The slot of a channel; its shard is found by it.
    #[cfg_attr(
        not(feature = "redis-cluster"),
        expect(unused_variables, reason = "one server has no slots")
    )]
    pub(crate) fn slot(&self, name: &[u8]) -> u16 {
        match self {
            Self::One => 0,
            #[cfg(feature = "redis-cluster")]
            Self::Slots(_) => slot(name),
        }
    }

    #[cfg_attr(
        not(feature = "redis-cluster"),
        expect(unused_variables, reason = "one server has no slots")
    )]
    pub(crate) fn shard(&self, slot: u16) -> usize {
        match self {
            Self::One => 0,
            #[cfg(feature = "redis-cluster")]
            Self::Slots(slots) => slots.get(usize::from(slot)).map_or(NOWHERE, |&at| at.into()),
        }
    }
}

#[cfg(feature = "redis-cluster")]
fn slots() -> impl Iterator<Item = u16> {
    (0..=u16::MAX).take(SLOTS)
}

/// The slot of a channel. `format/names.rs` never writes braces, which would select the part of a
/// name that is hashed.
#[cfg(feature = "redis-cluster")]
fn slot(name: &[u8]) -> u16 {
    let crc = name.iter().fold(0_u16, |crc, &byte| {
        (crc << 8) ^ CRC16[usize::from((crc >> 8) ^ u16::from(byte)) & 0xFF]
    });
    crc & 0x3FFF
}

/// CRC-16/XMODEM, a byte at a time.
#[cfg(feature = "redis-cluster")]
const CRC16: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[allow(clippy::cast_possible_truncation, reason = "it is below 256")]
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};

#[cfg(all(test, feature = "redis-cluster"))]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_redis() {
        // The values are those of `CLUSTER KEYSLOT`.
        assert_eq!(slot(b"123456789"), 0x31C3);
        assert_eq!(slot(b"foo"), 12_182);
        assert_eq!(slot(b""), 0);
    }

    #[test]
    fn a_route_names_the_shard_of_each_slot() {
        let mut slots = vec![0; SLOTS];
        slots[12_182] = 7;
        let route = Route::Slots(slots.into());
        assert_eq!(route.shard(route.slot(b"foo")), 7);
        assert_eq!(route.shard(route.slot(b"123456789")), NOWHERE);
        assert_eq!(Route::One.shard(Route::One.slot(b"foo")), 0);
    }
}
