//! What waits for `next`.

use std::collections::VecDeque;

use tokio::time::Instant;

use crate::client::incoming::{Gap, GapReason, Meta};
use crate::error::Error;

/// So many wait. Beyond, the oldest are dropped.
const MOST: usize = 1024;

/// What [`Socket::next`](crate::client::Socket::next) returns, not decoded yet.
pub(in crate::client) enum Item {
    Event { name: String, data: String, meta: Meta },
    Gap(Gap),
    Error { event: Option<String>, error: Error },
}

#[derive(Default)]
pub(super) struct Inbox {
    items: VecDeque<Item>,
    /// How many were dropped because nobody called `next`, and since when.
    dropped: Option<(u64, Instant)>,
}

impl Inbox {
    pub(super) fn put(&mut self, item: Item) {
        if self.items.len() >= MOST {
            self.items.pop_front();
            self.dropped.get_or_insert((0, Instant::now())).0 += 1;
        }
        self.items.push_back(item);
    }

    /// The next one; before it the gap, where some were dropped.
    pub(super) fn pop(&mut self) -> Option<Item> {
        if let Some((missed, since)) = self.dropped.take() {
            let (reason, since) = (GapReason::Overload, since.into_std());
            return Some(Item::Gap(Gap { room: None, reason, missed: Some(missed), since }));
        }
        self.items.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}
