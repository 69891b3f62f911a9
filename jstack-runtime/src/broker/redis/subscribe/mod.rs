//! Subscribing: the table knows which channels are wanted, the listener makes Redis send them, and
//! the inbox delivers what arrives.

mod dialect;
mod entry;
mod inbox;
mod listener;
mod shards;
mod subscriptions;
mod table;

#[cfg(feature = "redis-cluster")]
pub(super) use dialect::{PushEvent, SubscribeDialect};
#[cfg(feature = "redis-cluster")]
pub(super) use entry::Entry;
pub(super) use inbox::Inbox;
pub(super) use listener::Listener;
pub(super) use table::Table;
