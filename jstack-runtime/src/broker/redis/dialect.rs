//! In which commands channels are spoken of: one server's here, a cluster's in
//! `cluster/dialect.rs`.

use std::future::Future;
use std::sync::Arc;

use ::redis::aio::MultiplexedConnection;
use ::redis::{PushKind, RedisError, RedisResult};

use super::entry::Entry;
use super::link::Link;
use super::table::Table;

/// Channels that are named in one command.
const AT_ONCE: usize = 1_000;

/// What Redis says of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    /// Here is a message.
    Message,
    /// From now on it is sent.
    Begun,
    /// It is sent no more.
    Ended,
}

/// The commands of a kind of Redis, and what its errors mean.
pub(super) trait Dialect: Clone + Send + Sync + 'static {
    const PUBLISH: &'static str;
    const SUBSCRIBE: &'static str;
    const UNSUBSCRIBE: &'static str;
    /// The connection that listens is held while nothing is wanted of its shard.
    const LISTENS_IDLE: bool;
    /// The connection that publishes is held while nothing is published.
    const PUBLISHES_IDLE: bool;

    fn says(kind: &PushKind) -> Option<Says>;

    /// Asks for channels on a connection and its number, and tells `table` which are refused.
    /// Fails if the connection does.
    fn begin(
        &self,
        to: (&mut MultiplexedConnection, &Link, u64),
        table: &Table,
        entries: &[Arc<Entry>],
    ) -> impl Future<Output = RedisResult<()>> + Send;

    /// Asks for channels no more. Fails if the connection does.
    fn end(
        &self,
        connection: &mut MultiplexedConnection,
        entries: &[Arc<Entry>],
    ) -> impl Future<Output = RedisResult<()>> + Send;

    /// Whether what was refused with this error is to be asked for again, of whom the route will
    /// name then; takes note of what the error says of the route.
    fn is_elsewhere(&self, error: &RedisError) -> bool;

    /// The connection to a server failed, or cannot be made.
    fn is_away(&self);
}

/// One server, or whichever the Sentinels name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain;

impl Dialect for Plain {
    const PUBLISH: &'static str = "PUBLISH";
    const SUBSCRIBE: &'static str = "SUBSCRIBE";
    const UNSUBSCRIBE: &'static str = "UNSUBSCRIBE";
    const LISTENS_IDLE: bool = true;
    const PUBLISHES_IDLE: bool = true;

    fn says(kind: &PushKind) -> Option<Says> {
        match kind {
            PushKind::Message => Some(Says::Message),
            PushKind::Subscribe => Some(Says::Begun),
            PushKind::Unsubscribe => Some(Says::Ended),
            _ => None,
        }
    }

    async fn begin(
        &self,
        (connection, link, _): (&mut MultiplexedConnection, &Link, u64),
        _: &Table,
        entries: &[Arc<Entry>],
    ) -> RedisResult<()> {
        for entries in entries.chunks(AT_ONCE) {
            match connection.subscribe(names(entries)).await {
                Ok(()) => {}
                Err(error) if is_refusal(&error) => {
                    let why = link.explain(&error);
                    tracing::error!(why, "Redis refuses subscriptions");
                    Table::refused(entries, &why);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn end(
        &self,
        connection: &mut MultiplexedConnection,
        entries: &[Arc<Entry>],
    ) -> RedisResult<()> {
        for entries in entries.chunks(AT_ONCE) {
            connection.unsubscribe(names(entries)).await?;
        }
        Ok(())
    }

    fn is_elsewhere(&self, _: &RedisError) -> bool {
        false
    }

    fn is_away(&self) {}
}

fn names(entries: &[Arc<Entry>]) -> Vec<&str> {
    entries.iter().map(|entry| &*entry.name).collect()
}

/// Redis has answered, and said no.
fn is_refusal(error: &RedisError) -> bool {
    error.code().is_some() && !error.is_io_error()
}
