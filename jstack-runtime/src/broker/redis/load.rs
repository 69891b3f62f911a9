//! Messages that go out together.

use std::time::Instant;

use tokio::sync::oneshot;

use crate::error::Result;

/// The room of a load that was larger than this is given back to the allocator.
const KEEP: usize = 64 * 1024;

/// Messages in their order: channel and payload of each, one after the other.
#[derive(Debug, Default)]
pub(super) struct Load {
    bytes: Vec<u8>,
    parcels: Vec<Parcel>,
}

/// One message on its way.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) size: Size,
    /// Stands for its channel; 0 for one that must go out by itself.
    pub(super) series: u64,
    /// Told by the last message of a publish; those before it have none.
    pub(super) done: Option<oneshot::Sender<Result>>,
    pub(super) expires: Instant,
}

/// How much of the bytes is a message's channel, and how much its payload.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Size {
    pub(super) channel: usize,
    pub(super) payload: usize,
}

impl Load {
    pub(super) fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.parcels.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Channel and payload of each message.
    pub(super) fn messages(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = &*self.bytes;
        self.parcels.iter().map(move |parcel| {
            let (channel, after) = rest.split_at(parcel.size.channel);
            let (payload, after) = after.split_at(parcel.size.payload);
            rest = after;
            (channel, payload)
        })
    }

    /// What stands for the channel of each message.
    pub(super) fn series(&self) -> impl Iterator<Item = u64> {
        self.parcels.iter().map(|parcel| parcel.series)
    }

    /// Hands over channel, payload and the rest of each message.
    pub(super) fn each(mut self, takes: impl FnMut(&[u8], &[u8], Parcel)) {
        self.drain(takes);
    }

    /// Hands over channel, payload and the rest of each message; the room for them stays.
    pub(super) fn drain(&mut self, mut takes: impl FnMut(&[u8], &[u8], Parcel)) {
        let mut rest = &*self.bytes;
        for parcel in self.parcels.drain(..) {
            let (channel, after) = rest.split_at(parcel.size.channel);
            let (payload, after) = after.split_at(parcel.size.payload);
            rest = after;
            takes(channel, payload, parcel);
        }
        self.bytes.clear();
    }

    /// An empty one, in this one's room unless that is large.
    pub(super) fn emptied(mut self) -> Self {
        if self.bytes.capacity() > KEEP {
            return Self::default();
        }
        self.bytes.clear();
        self.parcels.clear();
        self
    }

    /// Appends a message.
    pub(super) fn push(&mut self, channel: &[u8], payload: &[u8], parcel: Parcel) {
        self.bytes.reserve(channel.len() + payload.len());
        self.bytes.extend_from_slice(channel);
        self.bytes.extend_from_slice(payload);
        self.parcels.push(parcel);
    }

    /// When the first of them has waited too long.
    pub(super) fn expires(&self) -> Option<Instant> {
        self.parcels.first().map(|parcel| parcel.expires)
    }

    /// Takes out what has waited too long.
    pub(super) fn expired(&mut self, now: Instant) -> Vec<Parcel> {
        let count = self.parcels.partition_point(|parcel| parcel.expires <= now);
        let expired: Vec<_> = self.parcels.drain(..count).collect();
        let bytes: usize = expired.iter().map(|p| p.size.channel + p.size.payload).sum();
        self.bytes.drain(..bytes);
        expired
    }

    /// Both, by when they have waited too long; of two that were published at once, `first`'s.
    pub(super) fn merge(first: Self, second: Self) -> Self {
        if second.is_empty() {
            return first;
        }
        let mut all = Vec::with_capacity(first.len() + second.len());
        for load in [first, second] {
            load.each(|channel, payload, parcel| {
                all.push((channel.to_vec(), payload.to_vec(), parcel));
            });
        }
        all.sort_by_key(|message| message.2.expires);
        let mut merged = Self::default();
        for (channel, payload, parcel) in all {
            merged.push(&channel, &payload, parcel);
        }
        merged
    }

    pub(super) fn into_parcels(self) -> Vec<Parcel> {
        self.parcels
    }
}
