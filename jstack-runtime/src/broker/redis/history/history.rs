//! The history of rooms in Redis.
//!
//! Publishes wait in the outbox like all others, with the same order, deadline and errors. Messages
//! of one room that wait together are one call of a script. Reads are sent at once, on the same
//! connections.

use std::sync::Arc;
use std::time::Duration;

use ::redis::{Cmd, RedisError, RedisResult, Value};
use tokio::time::{sleep, timeout};

use super::page;
use super::script::{CHECK, CLEAR, READ, Script, fresh_epoch};
use super::server::ServerLink;
use crate::broker::format::names;
use crate::broker::redis::connections::Connections;
use crate::broker::redis::failure::unavailable;
use crate::broker::{Channel, Publication, Publish, Sink};
use crate::error::{Error, Result};
use crate::history::{History, Keep, Page, PageLimit, Position, Reading};
use crate::observe;

/// How long to wait before a server is asked again that redirected, or is not connected.
const AGAIN: Duration = Duration::from_millis(10);

/// The history of rooms in Redis.
pub(crate) struct RedisHistory {
    pub(crate) connections: Arc<Connections>,
}

/// One question to the history of a channel.
struct Question {
    script: &'static Script,
    /// The channel as Redis knows it.
    channel: Vec<u8>,
    arguments: Vec<String>,
}

/// Why a question was not answered.
enum Unanswered {
    /// Another server may answer, or this one later.
    Again(String),
    Failed(String),
}

impl Question {
    fn command(&self, server: &str, is_loaded: bool) -> Cmd {
        let mut command = self.script.command(is_loaded, &self.channel, 256);
        command.arg(server).arg(fresh_epoch()).arg(&self.arguments);
        command
    }

    /// Asks one server.
    async fn ask(
        &self,
        server: &ServerLink,
        connections: &Connections,
    ) -> Result<Value, Unanswered> {
        let answer = async {
            let id = server.replication_id().await?;
            let answer = run(server, &self.command(id, true)).await;
            match answer {
                Err(error) if error.code() == Some("NOSCRIPT") => {
                    run(server, &self.command(id, false)).await
                }
                answer => answer,
            }
        };
        answer.await.map_err(|error| {
            let why = connections.link.explain(&error);
            match error.code() {
                Some("MOVED" | "ASK" | "TRYAGAIN" | "CLUSTERDOWN" | "READONLY") => {
                    Unanswered::Again(why)
                }
                _ => Unanswered::Failed(why),
            }
        })
    }
}

async fn run(server: &ServerLink, command: &Cmd) -> RedisResult<Value> {
    server.connection().send_packed_command(command).await?.extract_error()
}

impl RedisHistory {
    /// Logs, once Redis is there, which rights this user lacks for histories.
    pub(crate) fn check_rights(&self) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let channel = format!("{}::check", self.connections.prefix).into_bytes();
        let question = Question { script: &CHECK, channel, arguments: Vec::new() };
        let checked = self.ask(question, |_| Ok(()));
        runtime.spawn(async move {
            if let Err(error) = checked.await
                && let Some(why) = error.cause().map(ToString::to_string)
                && why.contains("history")
            {
                observe::error!("{why}");
            }
        });
    }

    fn question(
        &self,
        script: &'static Script,
        channel: Channel<'_>,
        arguments: Vec<String>,
    ) -> Question {
        let channel = names::channel_name(&self.connections.prefix, channel).into_bytes();
        Question { script, channel, arguments }
    }

    /// Asks whichever server has the channel, until the deadline.
    fn ask<T: Send + 'static>(
        &self,
        question: Question,
        read: impl FnOnce(Value) -> RedisResult<T> + Send + 'static,
    ) -> Reading<T> {
        let connections = self.connections.clone();
        Box::pin(async move {
            connections.start_publishing()?;
            let mut why = "not connected yet".to_owned();
            let answered = async {
                loop {
                    match connections.outbox.server(&question.channel) {
                        Ok(Some(server)) => match question.ask(&server, &connections).await {
                            Ok(value) => return Ok(value),
                            Err(Unanswered::Again(again)) => why = again,
                            Err(Unanswered::Failed(why)) => return Err(unavailable(&why)),
                        },
                        Ok(None) => {}
                        Err(why) => return Err(unavailable(&why)),
                    }
                    sleep(AGAIN).await;
                }
            };
            let value = timeout(connections.link.answer, answered).await;
            let value = value.unwrap_or_else(|_| Err(unavailable(&why)))?;
            read(value).map_err(|error: RedisError| {
                Error::internal(format!("the history of a room cannot be read: {error}"))
            })
        })
    }
}

impl History for RedisHistory {
    fn publish(&self, messages: &[Publication<'_>], keep: Keep, _: &dyn Sink) -> Publish {
        let connections = &self.connections;
        if let Err(error) = connections.start_publishing() {
            return Publish::done(Err(error));
        }
        let Connections { outbox, prefix, origin, .. } = &**connections;
        outbox.publish(messages, Some(keep), prefix, *origin)
    }

    fn top(&self, channel: Channel<'_>, _: Keep) -> Reading<Position> {
        self.ask(self.question(&READ, channel, vec!["top".to_owned()]), page::top)
    }

    fn after(&self, channel: Channel<'_>, after: Position, limit: PageLimit) -> Reading<Page> {
        let arguments = vec![
            "after".to_owned(),
            format!("{:016x}", after.epoch().number()),
            after.offset().to_string(),
            limit.items.to_string(),
            limit.bytes.to_string(),
        ];
        let read = move |value| page::page(value, Some(after));
        self.ask(self.question(&READ, channel, arguments), read)
    }

    fn before(&self, channel: Channel<'_>, before: Option<u64>, limit: PageLimit) -> Reading<Page> {
        let arguments = vec![
            "before".to_owned(),
            String::new(),
            before.map(|before| before.to_string()).unwrap_or_default(),
            limit.items.to_string(),
            limit.bytes.to_string(),
        ];
        self.ask(self.question(&READ, channel, arguments), |value| page::page(value, None))
    }

    fn clear(&self, channel: Channel<'_>) -> Reading {
        self.ask(self.question(&CLEAR, channel, Vec::new()), |_| Ok(()))
    }
}
