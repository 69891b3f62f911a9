//! Messages that wait, and go out together.

use std::time::Instant;

use tokio::sync::oneshot;

use crate::broker::redis::failure::publish_failed;
use crate::error::Result;
use crate::history::Keep;

/// A larger buffer is given back to the allocator instead of being used again.
const KEEP: usize = 64 * 1024;

/// Messages in their order. Their bytes are in one buffer, so that a message costs no allocation.
#[derive(Debug, Default)]
pub(crate) struct PendingMessages {
    /// Channel and payload of each message, one after the other.
    bytes: Vec<u8>,
    messages: Vec<PendingMessage>,
}

/// One message, without its bytes.
#[derive(Debug)]
pub(crate) struct PendingMessage {
    pub(crate) size: Size,
    /// For a room with history: how much of it is kept.
    pub(crate) keep: Option<Keep>,
    /// Identifies its channel; 0 for a message that must go out alone.
    pub(crate) channel_key: u64,
    /// Receives the outcome. Of the messages of one publish, only the last one has it.
    pub(crate) done: Option<oneshot::Sender<Result>>,
    pub(crate) expires: Instant,
}

/// How many of the bytes are a message's channel, and how many its payload.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Size {
    pub(crate) channel: usize,
    pub(crate) payload: usize,
}

impl PendingMessages {
    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Channel and payload of each message.
    pub(crate) fn messages(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut rest = &*self.bytes;
        self.messages.iter().map(move |message| {
            let (channel, after) = rest.split_at(message.size.channel);
            let (payload, after) = after.split_at(message.size.payload);
            rest = after;
            (channel, payload)
        })
    }

    /// The channel key of each message.
    pub(crate) fn channel_keys(&self) -> impl Iterator<Item = u64> {
        self.messages.iter().map(|message| message.channel_key)
    }

    /// How much each message's room keeps.
    pub(crate) fn keeps(&self) -> impl Iterator<Item = Option<Keep>> {
        self.messages.iter().map(|message| message.keep)
    }

    /// Whether any of them is of a room with history.
    pub(crate) fn has_history(&self) -> bool {
        self.keeps().any(|keep| keep.is_some())
    }

    /// Hands over each message with its channel and payload.
    pub(crate) fn each(mut self, takes: impl FnMut(&[u8], &[u8], PendingMessage)) {
        self.drain(takes);
    }

    /// Hands over each message with its channel and payload; the buffers stay allocated.
    pub(crate) fn drain(&mut self, mut takes: impl FnMut(&[u8], &[u8], PendingMessage)) {
        let mut rest = &*self.bytes;
        for message in self.messages.drain(..) {
            let (channel, after) = rest.split_at(message.size.channel);
            let (payload, after) = after.split_at(message.size.payload);
            rest = after;
            takes(channel, payload, message);
        }
        self.bytes.clear();
    }

    /// Empties it, and gives large buffers back to the allocator.
    pub(crate) fn emptied(mut self) -> Self {
        if self.bytes.capacity() > KEEP {
            return Self::default();
        }
        self.bytes.clear();
        self.messages.clear();
        self
    }

    pub(crate) fn push(&mut self, channel: &[u8], payload: &[u8], message: PendingMessage) {
        self.bytes.reserve(channel.len() + payload.len());
        self.bytes.extend_from_slice(channel);
        self.bytes.extend_from_slice(payload);
        self.messages.push(message);
    }

    /// When the first message expires.
    pub(crate) fn expires(&self) -> Option<Instant> {
        self.messages.first().map(|message| message.expires)
    }

    /// Removes and returns what has expired.
    pub(crate) fn expired(&mut self, now: Instant) -> Vec<PendingMessage> {
        let count = self.messages.partition_point(|message| message.expires <= now);
        let expired: Vec<_> = self.messages.drain(..count).collect();
        let bytes: usize = expired.iter().map(|m| m.size.channel + m.size.payload).sum();
        self.bytes.drain(..bytes);
        expired
    }

    /// Merges both by expiry. Of messages that expire at the same moment, those of `first` come
    /// first.
    pub(crate) fn merge(first: Self, second: Self) -> Self {
        if second.is_empty() {
            return first;
        }
        let mut all = Vec::with_capacity(first.len() + second.len());
        for messages in [first, second] {
            messages.each(|channel, payload, message| {
                all.push((channel.to_vec(), payload.to_vec(), message));
            });
        }
        all.sort_by_key(|message| message.2.expires);
        let mut merged = Self::default();
        for (channel, payload, message) in all {
            merged.push(&channel, &payload, message);
        }
        merged
    }

    /// Fails all of them, for this reason.
    pub(crate) fn fail(self, why: &str) {
        fail(self.messages, why);
    }
}

/// Fails messages that were not published, or may not have been.
pub(crate) fn fail(messages: Vec<PendingMessage>, why: &str) {
    for done in messages.into_iter().filter_map(|message| message.done) {
        let _ = done.send(Err(publish_failed(why)));
    }
}
