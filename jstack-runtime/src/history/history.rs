//! `History`: the trait.

use std::future::Future;
use std::pin::Pin;

use super::page::{Page, PageLimit};
use super::position::{Keep, Position};
use crate::broker::outcome::Publish;
use crate::broker::publication::{Channel, Publication, Sink};
use crate::error::Result;

/// An answer from a room's history.
pub type Reading<T = ()> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// Keeps the last messages of each channel, and numbers them without holes.
///
/// A publish numbers, stores, trims and delivers in one step, so that the order of the offsets is
/// the order in which every process delivers. A position is an offset within an epoch. A log that
/// may have lost something begins another epoch, so that a reader who was in the former one learns
/// that it has a gap. [`MemoryHistory`](super::MemoryHistory) is the one for a single process.
///
/// Subscriptions remain with the [`Broker`](crate::broker::Broker) that gives this history.
pub trait History: Send + Sync + 'static {
    /// Publishes messages, those of one channel in this order, and keeps as much as `keep` says.
    ///
    /// Each message is delivered with its [`position`](Publication::position). Fails when the messages
    /// were not taken. A history of one process delivers to `local` at once, under the lock of the
    /// channel: a sink must not call the history, nor wait for a lock under which somebody else does.
    fn publish(&self, messages: &[Publication<'_>], keep: Keep, local: &dyn Sink) -> Publish;

    /// Where the log of a channel ends. Begins an epoch if there is no log yet, so that the next
    /// message follows this position.
    fn top(&self, channel: Channel<'_>, keep: Keep) -> Reading<Position>;

    /// What came after a position, the oldest first.
    ///
    /// With a [`gap`](Page::gap), the page begins with the oldest entry that the reader cannot have
    /// seen.
    fn after(&self, channel: Channel<'_>, after: Position, limit: PageLimit) -> Reading<Page>;

    /// The last entries before an offset, or the last of all, in their order. It never has a gap.
    fn before(&self, channel: Channel<'_>, before: Option<u64>, limit: PageLimit) -> Reading<Page>;

    /// Forgets the entries of a channel. Offsets continue, so that readers learn of the gap.
    fn clear(&self, channel: Channel<'_>) -> Reading;
}
