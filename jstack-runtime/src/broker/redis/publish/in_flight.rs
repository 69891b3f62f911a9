//! Writes on their way: their answers, and what a cluster redirects.

use std::collections::{HashSet, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Instant;

use ::redis::aio::MultiplexedConnection;
use ::redis::{RedisResult, Value};

use super::coalesce::{Appending, Coalesced, coalesce};
use super::outbox::Outbox;
use super::pending::{PendingMessages, fail};
use crate::broker::format::text::Form;
use crate::broker::redis::dialect::Dialect;

/// Writes that may be in flight at once. With one, Redis would be idle while its answers are read;
/// with many, each would be small.
const MAX_IN_FLIGHT: usize = 2;

/// One write, and the messages that wait for its answer.
pub(crate) struct InFlight {
    pub(crate) answer: RedisReply,
    pub(crate) messages: PendingMessages,
    /// For each message, the index of the command that published it.
    pub(crate) command_of: Vec<usize>,
    pub(crate) expires: Instant,
}

pub(crate) type RedisReply = Pin<Box<dyn Future<Output = RedisResult<Vec<Value>>> + Send>>;

/// Messages that another server carries. They are requeued when all writes have completed.
#[derive(Default)]
pub(crate) struct Redirected {
    pub(crate) messages: PendingMessages,
    pub(crate) channels: HashSet<Box<[u8]>>,
    /// Writes that have completed since the first redirect.
    pub(crate) writes: u64,
}

/// The writes of one connection that are not answered yet.
pub(crate) struct Writes {
    pub(crate) in_flight: VecDeque<InFlight>,
    pub(crate) redirected: Redirected,
    pub(crate) proof: Proof,
    /// The server is believed to know the script that appends to histories.
    pub(crate) is_loaded: bool,
    /// Completed writes that the outbox has not heard of.
    pub(crate) completed: u64,
    /// The buffers of a completed write, for the next one.
    pub(crate) spare: PendingMessages,
}

/// Whether the server takes messages, as far as this connection has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// It has answered to none yet.
    None,
    /// It took one.
    Taken,
    /// It refused the last probe, for this reason.
    Refused(String),
}

impl Proof {
    /// Notes what became of a message. Only a probe shows that probes are taken again: other
    /// channels may be permitted although the probe's is not.
    pub(crate) fn note(&mut self, is_probe: bool, refusal: Option<&str>) {
        match refusal {
            Some(why) if is_probe => *self = Self::Refused(why.to_owned()),
            None if is_probe || *self == Self::None => *self = Self::Taken,
            _ => {}
        }
    }

    pub(crate) fn refusal(&self) -> Option<&str> {
        if let Self::Refused(why) = self { Some(why) } else { None }
    }
}

impl Writes {
    pub(crate) fn new() -> Self {
        Self {
            in_flight: VecDeque::with_capacity(MAX_IN_FLIGHT),
            redirected: Redirected::default(),
            proof: Proof::None,
            is_loaded: false,
            completed: 0,
            spare: PendingMessages::default(),
        }
    }

    pub(crate) fn may_send(&self) -> bool {
        self.in_flight.len() < MAX_IN_FLIGHT && self.redirected.writes == 0
    }

    /// Puts redirected messages back once nothing is in flight that could overtake them.
    pub(crate) fn requeue_redirected(&mut self, outbox: &Outbox, shard: usize) {
        if self.in_flight.is_empty() && self.redirected.writes > 0 {
            let Redirected { messages, writes, .. } = std::mem::take(&mut self.redirected);
            outbox.requeue(shard, messages);
            self.completed += writes;
        }
    }
}

impl Redirected {
    pub(crate) fn is_holding(&self) -> bool {
        self.writes > 0 || !self.messages.is_empty()
    }

    /// Fails the messages of a channel of which a later message was taken: they cannot be put in
    /// order any more.
    pub(crate) fn fail_overtaken(&mut self, channel: &[u8]) {
        if !self.channels.remove(channel) {
            return;
        }
        let (mut stay, mut late) = (PendingMessages::default(), Vec::new());
        std::mem::take(&mut self.messages).each(|of, payload, message| {
            if of == channel {
                late.push(message);
            } else {
                stay.push(of, payload, message);
            }
        });
        self.messages = stay;
        fail(
            late,
            "it was sent to a server that did not take it, and a later message was taken first",
        );
    }
}

/// Writes messages to the connection. When this returns, their place in the order is fixed.
pub(crate) async fn send<D: Dialect>(
    mut connection: MultiplexedConnection,
    messages: PendingMessages,
    appending: Appending<'_>,
    form: Form,
) -> InFlight {
    let Coalesced { commands, command_of } = coalesce(D::PUBLISH, &messages, appending, form);
    let count = commands.len();
    let expires = messages.expires().unwrap_or_else(Instant::now);
    let mut answer: RedisReply =
        Box::pin(async move { connection.send_packed_commands(&commands, 0, count).await });
    // The first poll hands the write to the connection.
    let at_once = poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx))).await;
    if let Poll::Ready(result) = at_once {
        answer = Box::pin(std::future::ready(result));
    }
    InFlight { answer, messages, command_of, expires }
}

/// The answer to the write that was sent first.
pub(crate) async fn front(in_flight: &mut VecDeque<InFlight>) -> RedisResult<Vec<Value>> {
    match in_flight.front_mut() {
        Some(write) => write.answer.as_mut().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::super::pending::{PendingMessage, Size};
    use super::*;

    #[test]
    fn a_redirected_message_that_was_overtaken_fails_and_others_go_on() {
        let mut redirected = Redirected::default();
        let mut outcomes = Vec::new();
        for (channel, payload) in [("a", "1"), ("b", "2"), ("a", "3")] {
            let (done, outcome) = oneshot::channel();
            let size = Size { channel: channel.len(), payload: payload.len() };
            let message = PendingMessage {
                size,
                keep: None,
                channel_key: 0,
                done: Some(done),
                expires: Instant::now(),
            };
            redirected.messages.push(channel.as_bytes(), payload.as_bytes(), message);
            redirected.channels.insert(channel.as_bytes().into());
            outcomes.push(outcome);
        }
        redirected.fail_overtaken(b"c");
        assert_eq!(redirected.messages.len(), 3);
        redirected.fail_overtaken(b"a");
        let rest: Vec<_> = redirected.messages.messages().collect();
        assert_eq!(rest, [(&b"b"[..], &b"2"[..])]);
        assert!(outcomes[0].try_recv().unwrap().is_err());
        assert!(outcomes[1].try_recv().is_err(), "nothing was said of it yet");
        assert!(outcomes[2].try_recv().unwrap().is_err());
    }
}
