//! A cluster's commands: each channel belongs to a slot, and each slot to a server.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ::redis::aio::MultiplexedConnection;
use ::redis::{
    ErrorKind, Pipeline, PushKind, RedisError, RedisResult, ServerError, ServerErrorKind, Value,
};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::view::Node;
use crate::broker::redis::dialect::{Dialect, Says};
use crate::broker::redis::entry::Entry;
use crate::broker::redis::link::Link;
use crate::broker::redis::table::Table;

/// Channels that are asked for in one write.
const AT_ONCE: usize = 1_000;

/// What connections learn of the cluster, for the keeper of the route.
#[derive(Debug, Default)]
pub(super) struct News {
    moved: Mutex<HashMap<u16, Node>>,
    /// There is something new.
    pub(super) told: Notify,
}

impl News {
    /// Slots that are said to be elsewhere, and where.
    pub(super) fn take(&self) -> HashMap<u16, Node> {
        std::mem::take(&mut self.moved.lock())
    }
}

/// How to speak with one server of a cluster.
#[derive(Clone, Debug)]
pub(super) struct Sharded {
    pub(super) news: Arc<News>,
    /// Which server it is.
    pub(super) node: Node,
}

impl Dialect for Sharded {
    const PUBLISH: &'static str = "SPUBLISH";
    const SUBSCRIBE: &'static str = "SSUBSCRIBE";
    const UNSUBSCRIBE: &'static str = "SUNSUBSCRIBE";
    const LISTENS_IDLE: bool = false;
    const PUBLISHES_IDLE: bool = false;

    fn says(kind: &PushKind) -> Option<Says> {
        match kind {
            PushKind::SMessage => Some(Says::Message),
            PushKind::SSubscribe => Some(Says::Begun),
            PushKind::SUnsubscribe => Some(Says::Ended),
            _ => None,
        }
    }

    async fn begin(
        &self,
        (connection, link, number): (&mut MultiplexedConnection, &Link, u64),
        table: &Table,
        entries: &[Arc<Entry>],
    ) -> RedisResult<()> {
        let mut trouble = None;
        for entries in entries.chunks(AT_ONCE) {
            let answers = each(connection, Self::SUBSCRIBE, entries).await?;
            if answers.iter().zip(entries).all(|(answer, entry)| is_of(answer, entry)) {
                for (answer, entry) in answers.into_iter().zip(entries) {
                    let Err(error) = answer.extract_error() else { continue };
                    if self.is_elsewhere(&error) {
                        Table::put_off(entry, number);
                    } else {
                        let why = trouble.get_or_insert_with(|| link.explain(&error));
                        Table::refused(std::slice::from_ref(entry), why);
                    }
                }
                continue;
            }
            // Redis ended a channel meanwhile, for its slot moved, and the client library took
            // that for an answer. What names its channel is certain; the rest is asked again.
            let mut begun = HashSet::new();
            for answer in answers {
                match answer {
                    Value::Push { kind: PushKind::SSubscribe, mut data } if !data.is_empty() => {
                        if let Value::BulkString(name) = data.swap_remove(0) {
                            begun.insert(name);
                        }
                    }
                    Value::ServerError(error) => drop(self.is_elsewhere(&error.into())),
                    _ => {}
                }
            }
            for entry in entries.iter().filter(|entry| !begun.contains(entry.name.as_bytes())) {
                table.ask_again(entry, number);
            }
        }
        if let Some(why) = trouble {
            tracing::error!(why, "Redis refuses subscriptions");
        }
        Ok(())
    }

    async fn end(
        &self,
        connection: &mut MultiplexedConnection,
        entries: &[Arc<Entry>],
    ) -> RedisResult<()> {
        for entries in entries.chunks(AT_ONCE) {
            // Redis says itself what it has ended; that a slot is elsewhere ends its channels too.
            each(connection, Self::UNSUBSCRIBE, entries).await?;
        }
        Ok(())
    }

    fn is_elsewhere(&self, error: &RedisError) -> bool {
        let ErrorKind::Server(kind) = error.kind() else { return false };
        let moved = match kind {
            ServerErrorKind::Moved => error.redirect_node().and_then(|(address, slot)| {
                let node = Node::parse(address, &self.node.host)?;
                Some((slot, node))
            }),
            // Redis never says so of channels, which are where they are until their slot has
            // moved; if it does one day, that is over soon.
            ServerErrorKind::Ask | ServerErrorKind::TryAgain => None,
            ServerErrorKind::ClusterDown => {
                self.news.told.notify_one();
                return false;
            }
            _ => return false,
        };
        if let Some((slot, node)) = moved {
            self.news.moved.lock().insert(slot, node);
        }
        self.news.told.notify_one();
        true
    }

    fn is_away(&self) {
        self.news.told.notify_one();
    }
}

/// One command a channel, since those of several slots cannot share one.
async fn each(
    connection: &mut MultiplexedConnection,
    command: &str,
    entries: &[Arc<Entry>],
) -> RedisResult<Vec<Value>> {
    let mut pipeline = Pipeline::with_capacity(entries.len());
    for entry in entries {
        pipeline.cmd(command).arg(&*entry.name);
    }
    connection.send_packed_commands(&pipeline, 0, entries.len()).await
}

/// Whether this can be the answer to asking for the entry.
fn is_of(answer: &Value, entry: &Entry) -> bool {
    match answer {
        Value::Push { kind: PushKind::SSubscribe, data } => {
            matches!(data.first(), Some(Value::BulkString(name)) if *name == *entry.name.as_bytes())
        }
        // A redirection names the slot.
        Value::ServerError(error) => slot_of(error).is_none_or(|slot| slot == entry.slot),
        _ => false,
    }
}

fn slot_of(error: &ServerError) -> Option<u16> {
    match error.kind() {
        Some(ServerErrorKind::Moved) => {
            error.details()?.split_ascii_whitespace().next()?.parse().ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::broker::{Channel, Scope};

    fn answer(text: &str) -> Value {
        ::redis::parse_redis_value(text.as_bytes()).unwrap()
    }

    fn error(text: &str) -> RedisError {
        answer(text).extract_error().unwrap_err()
    }

    #[test]
    fn what_is_elsewhere_is_asked_for_again_and_the_keeper_is_told_where() {
        let node = Node { host: "10.0.0.1".to_owned(), port: 7_000 };
        let it = Sharded { news: Arc::default(), node };
        let told = || it.news.told.notified().now_or_never().is_some();
        assert!(it.is_elsewhere(&error("-MOVED 3999 :7001\r\n")) && told());
        let moved = Node { host: "10.0.0.1".to_owned(), port: 7_001 };
        assert_eq!(it.news.take(), HashMap::from([(3_999, moved)]));
        assert!(it.is_elsewhere(&error("-TRYAGAIN later\r\n")) && told());
        assert!(it.is_elsewhere(&error("-ASK 3999 10.0.0.2:7001\r\n")) && told());
        assert!(!it.is_elsewhere(&error("-CLUSTERDOWN Hash slot not served\r\n")) && told());
        assert!(!it.is_elsewhere(&error("-NOPERM no\r\n")) && !told());
        assert_eq!(it.news.take(), HashMap::new());
    }

    #[test]
    fn what_is_no_answer_to_a_question_is_seen_not_to_be() {
        let channel = Channel { procedure: "post/chat", scope: Scope::Room("r") };
        let entry = Entry::new("foo".to_owned(), 12_182, channel);
        let is_answer = |text: &str| is_of(&answer(text), &entry);
        assert!(is_answer(">3\r\n$10\r\nssubscribe\r\n$3\r\nfoo\r\n:1\r\n"));
        assert!(is_answer("-MOVED 12182 10.0.0.1:7001\r\n"));
        assert!(is_answer("-NOPERM no\r\n"));
        assert!(!is_answer(">3\r\n$10\r\nssubscribe\r\n$3\r\nbar\r\n:1\r\n"));
        assert!(!is_answer(">3\r\n$12\r\nsunsubscribe\r\n$3\r\nfoo\r\n:1\r\n"));
        assert!(!is_answer("-MOVED 3999 10.0.0.1:7001\r\n"));
        assert!(!is_answer("+PONG\r\n"));
    }
}
