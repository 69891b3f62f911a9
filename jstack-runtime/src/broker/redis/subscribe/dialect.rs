//! The commands of a listening connection.

use std::future::Future;
use std::sync::Arc;

use ::redis::aio::MultiplexedConnection;
use ::redis::{PushKind, RedisResult};

use super::entry::Entry;
use super::table::Table;
use crate::broker::redis::connect::{Link, is_reply};
use crate::broker::redis::dialect::{Dialect, Plain};
use crate::observe;

/// Channels that are named in one command.
const CHANNELS_PER_COMMAND: usize = 1_000;

/// A push message of Redis about a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PushEvent {
    Message,
    Subscribed,
    Unsubscribed,
}

/// The commands that subscribe, and how Redis confirms them.
pub(crate) trait SubscribeDialect: Dialect {
    const SUBSCRIBE: &'static str;
    const UNSUBSCRIBE: &'static str;
    /// The listening connection is kept while nothing of its shard is wanted.
    const LISTENS_IDLE: bool;

    fn push_event(kind: &PushKind) -> Option<PushEvent>;

    /// Subscribes on a connection with this number, and reports refused channels to `table`.
    /// Fails if the connection does.
    fn subscribe(
        &self,
        to: (&mut MultiplexedConnection, &Link, u64),
        table: &Table,
        entries: &[Arc<Entry>],
    ) -> impl Future<Output = RedisResult<()>> + Send;

    /// Unsubscribes. Fails if the connection does.
    fn unsubscribe(
        &self,
        connection: &mut MultiplexedConnection,
        entries: &[Arc<Entry>],
    ) -> impl Future<Output = RedisResult<()>> + Send;
}

impl SubscribeDialect for Plain {
    const SUBSCRIBE: &'static str = "SUBSCRIBE";
    const UNSUBSCRIBE: &'static str = "UNSUBSCRIBE";
    const LISTENS_IDLE: bool = true;

    fn push_event(kind: &PushKind) -> Option<PushEvent> {
        match kind {
            PushKind::Message => Some(PushEvent::Message),
            PushKind::Subscribe => Some(PushEvent::Subscribed),
            PushKind::Unsubscribe => Some(PushEvent::Unsubscribed),
            _ => None,
        }
    }

    async fn subscribe(
        &self,
        (connection, link, _): (&mut MultiplexedConnection, &Link, u64),
        _: &Table,
        entries: &[Arc<Entry>],
    ) -> RedisResult<()> {
        for entries in entries.chunks(CHANNELS_PER_COMMAND) {
            match connection.subscribe(names(entries)).await {
                Ok(()) => {}
                Err(error) if is_reply(&error) => {
                    let why = link.explain(&error);
                    observe::error!(why, "Redis refuses subscriptions");
                    for entry in entries {
                        entry.refused(&why);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn unsubscribe(
        &self,
        connection: &mut MultiplexedConnection,
        entries: &[Arc<Entry>],
    ) -> RedisResult<()> {
        for entries in entries.chunks(CHANNELS_PER_COMMAND) {
            connection.unsubscribe(names(entries)).await?;
        }
        Ok(())
    }
}

fn names(entries: &[Arc<Entry>]) -> Vec<&str> {
    entries.iter().map(|entry| &*entry.name).collect()
}
