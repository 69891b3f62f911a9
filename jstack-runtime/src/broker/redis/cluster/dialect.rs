//! The commands of a cluster. Each channel belongs to a slot, and each slot to a server.

use std::collections::HashSet;
use std::sync::Arc;

use ::redis::aio::MultiplexedConnection;
use ::redis::{
    ErrorKind, Pipeline, PushKind, RedisError, RedisResult, ServerError, ServerErrorKind, Value,
};

use super::redirects::Redirects;
use super::topology::ClusterNode;
use crate::broker::redis::connect::Link;
use crate::broker::redis::dialect::Dialect;
use crate::broker::redis::subscribe::{Entry, PushEvent, SubscribeDialect, Table};
use crate::observe;

/// Channels that are named in one write.
const CHANNELS_PER_WRITE: usize = 1_000;

/// The dialect of one server of a cluster.
#[derive(Clone, Debug)]
pub(crate) struct Sharded {
    pub(crate) redirects: Arc<Redirects>,
    /// The server.
    pub(crate) node: ClusterNode,
}

impl Dialect for Sharded {
    const PUBLISH: &'static str = "SPUBLISH";
    const PUBLISHES_IDLE: bool = false;

    fn note_redirect(&self, error: &RedisError) -> bool {
        let ErrorKind::Server(kind) = error.kind() else { return false };
        let moved = match kind {
            ServerErrorKind::Moved => error.redirect_node().and_then(|(address, slot)| {
                let node = ClusterNode::parse(address, &self.node.host)?;
                Some((slot, node))
            }),
            // Redis does not answer so about channels: they stay until their slot has moved.
            ServerErrorKind::Ask | ServerErrorKind::TryAgain => None,
            ServerErrorKind::ClusterDown => {
                self.redirects.changed.notify_one();
                return false;
            }
            _ => return false,
        };
        if let Some((slot, node)) = moved {
            self.redirects.record(slot, node);
        }
        self.redirects.changed.notify_one();
        true
    }

    fn connection_lost(&self) {
        self.redirects.changed.notify_one();
    }
}

impl SubscribeDialect for Sharded {
    const SUBSCRIBE: &'static str = "SSUBSCRIBE";
    const UNSUBSCRIBE: &'static str = "SUNSUBSCRIBE";
    const LISTENS_IDLE: bool = false;

    fn push_event(kind: &PushKind) -> Option<PushEvent> {
        match kind {
            PushKind::SMessage => Some(PushEvent::Message),
            PushKind::SSubscribe => Some(PushEvent::Subscribed),
            PushKind::SUnsubscribe => Some(PushEvent::Unsubscribed),
            _ => None,
        }
    }

    async fn subscribe(
        &self,
        (connection, link, number): (&mut MultiplexedConnection, &Link, u64),
        table: &Table,
        entries: &[Arc<Entry>],
    ) -> RedisResult<()> {
        let mut trouble = None;
        for entries in entries.chunks(CHANNELS_PER_WRITE) {
            let answers = each(connection, Self::SUBSCRIBE, entries).await?;
            if answers.iter().zip(entries).all(|(answer, entry)| is_of(answer, entry)) {
                for (answer, entry) in answers.into_iter().zip(entries) {
                    let Err(error) = answer.extract_error() else { continue };
                    if self.note_redirect(&error) {
                        entry.redirected(number);
                    } else {
                        let why = trouble.get_or_insert_with(|| link.explain(&error));
                        entry.refused(why);
                    }
                }
                continue;
            }
            // Redis ended a channel meanwhile because its slot moved, and the client library took
            // that for an answer. Answers that name their channel are certain; the rest is asked
            // again.
            let mut begun = HashSet::new();
            for answer in answers {
                match answer {
                    Value::Push { kind: PushKind::SSubscribe, mut data } if !data.is_empty() => {
                        if let Value::BulkString(name) = data.swap_remove(0) {
                            begun.insert(name);
                        }
                    }
                    Value::ServerError(error) => drop(self.note_redirect(&error.into())),
                    _ => {}
                }
            }
            for entry in entries.iter().filter(|entry| !begun.contains(entry.name.as_bytes())) {
                table.lock().ask_again(entry, number);
            }
        }
        if let Some(why) = trouble {
            observe::error!(why, "Redis refuses subscriptions");
        }
        Ok(())
    }

    async fn unsubscribe(
        &self,
        connection: &mut MultiplexedConnection,
        entries: &[Arc<Entry>],
    ) -> RedisResult<()> {
        for entries in entries.chunks(CHANNELS_PER_WRITE) {
            // Redis reports what it has ended. A slot that moved has ended its channels already.
            each(connection, Self::UNSUBSCRIBE, entries).await?;
        }
        Ok(())
    }
}

/// Sends one command for each channel: channels of several slots cannot share one.
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

/// Whether this can be the answer to the request for the entry.
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
    use std::collections::HashMap;

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
    fn a_redirect_is_recorded_with_its_server_and_other_errors_are_not() {
        let node = ClusterNode { host: "10.0.0.1".to_owned(), port: 7_000 };
        let it = Sharded { redirects: Arc::default(), node };
        let notified = || it.redirects.changed.notified().now_or_never().is_some();
        assert!(it.note_redirect(&error("-MOVED 3999 :7001\r\n")) && notified());
        let moved = ClusterNode { host: "10.0.0.1".to_owned(), port: 7_001 };
        assert_eq!(it.redirects.take(), HashMap::from([(3_999, moved)]));
        assert!(it.note_redirect(&error("-TRYAGAIN later\r\n")) && notified());
        assert!(it.note_redirect(&error("-ASK 3999 10.0.0.2:7001\r\n")) && notified());
        assert!(!it.note_redirect(&error("-CLUSTERDOWN Hash slot not served\r\n")) && notified());
        assert!(!it.note_redirect(&error("-NOPERM no\r\n")) && !notified());
        assert_eq!(it.redirects.take(), HashMap::new());
    }

    #[test]
    fn an_answer_to_another_request_is_recognised() {
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
