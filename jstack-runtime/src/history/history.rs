//! `History`: the trait.

use std::future::Future;
use std::pin::Pin;

use super::page::{Page, PageLimit};
use super::position::{Keep, Position};
use crate::broker::outcome::Publish;
use crate::broker::publication::{Channel, Publication, Sink};
use crate::error::Result;

/// The future of a call of [`History`].
pub type Reading<T = ()> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// Keeps the last messages of each channel, and numbers them without holes.
///
/// A publish numbers, stores, trims and delivers in one step: every process delivers in the order of the
/// offsets. A position is an offset within an epoch. A log that may have lost something begins another
/// epoch, so that readers with a position in the former one learn of the gap.
/// [`MemoryHistory`](super::MemoryHistory) is the history of a single process.
///
/// Subscriptions are made with the [`Broker`](crate::broker::Broker) that returns this history.
pub trait History: Send + Sync + 'static {
    /// Publishes messages, those of one channel in this order, and keeps as much as `keep` allows.
    ///
    /// Each message is delivered with its [`position`](Publication::position). Fails if the messages were not
    /// taken. A history of one process delivers to `local` at once, under the lock of the channel: a sink must
    /// not call the history, nor wait for a lock under which another thread does.
    fn publish(&self, messages: &[Publication<'_>], keep: Keep, local: &dyn Sink) -> Publish;

    /// Returns the end of a channel's log. Begins an epoch if there is no log yet, so that the next message
    /// follows this position.
    fn top(&self, channel: Channel<'_>, keep: Keep) -> Reading<Position>;

    /// Returns the entries after a position, the oldest first.
    ///
    /// With a [`gap`](Page::gap), the page begins with the oldest entry that the reader cannot have seen.
    fn after(&self, channel: Channel<'_>, after: Position, limit: PageLimit) -> Reading<Page>;

    /// Returns the last entries before an offset, or the last of all, in their order. It never has a gap.
    fn before(&self, channel: Channel<'_>, before: Option<u64>, limit: PageLimit) -> Reading<Page>;

    /// Removes the entries of a channel. Offsets continue, so that readers learn of the gap.
    fn clear(&self, channel: Channel<'_>) -> Reading;
}
