//! Messages that wait for their request, in their order.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::reports::unavailable;
use crate::broker::Publication;
use crate::broker::format::sequence::Sequencer;
use crate::broker::format::{batch, envelope, names, text};
use crate::error::Result;

/// The most that waits, beyond which emits fail.
const MOST_BYTES: usize = 8 * 1024 * 1024;
/// The most envelopes of one request; Upstash accepts requests of 10 MiB by default.
const REQUEST_BYTES: usize = 512 * 1024;

/// Messages that wait for their request.
#[derive(Default)]
pub(super) struct Outbox {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    is_sending: bool,
    sequencer: Sequencer,
}

struct Waiting {
    channel: String,
    envelope: Vec<u8>,
    done: oneshot::Sender<Result>,
}

/// Messages of one channel, which share a command.
pub(super) struct Command {
    pub(super) channel: String,
    pub(super) payload: String,
    pub(super) outcomes: Vec<oneshot::Sender<Result>>,
}

impl Outbox {
    /// Accepts messages, and says whether somebody must begin to send.
    pub(super) fn accept(
        &mut self,
        messages: &[Publication<'_>],
        (prefix, origin): (&str, u64),
    ) -> Result<(Vec<oneshot::Receiver<Result>>, bool)> {
        let mut encoded = Vec::with_capacity(messages.len());
        for message in messages {
            let mut bytes = Vec::new();
            envelope::encode(&mut bytes, message, origin)?;
            encoded.push((names::channel_name(prefix, message.channel), bytes));
        }
        let bytes: usize = encoded.iter().map(|(_, bytes)| bytes.len()).sum();
        // An empty outbox takes any message.
        if self.bytes > 0 && self.bytes + bytes > MOST_BYTES {
            return Err(unavailable("too many messages wait for it"));
        }
        self.bytes += bytes;
        let mut outcomes = Vec::with_capacity(encoded.len());
        for (channel, mut envelope) in encoded {
            let counted = self.sequencer.next(channel.as_bytes());
            envelope::stamp(&mut envelope, counted.number, counted.is_first());
            let (done, outcome) = oneshot::channel();
            self.waiting.push_back(Waiting { channel, envelope, done });
            outcomes.push(outcome);
        }
        Ok((outcomes, !std::mem::replace(&mut self.is_sending, true)))
    }

    /// The commands of the next request; without any, nothing is being sent any more.
    pub(super) fn take(&mut self) -> Vec<Command> {
        let mut commands = Vec::new();
        let mut bytes = 0;
        while let Some(first) = self.waiting.front().filter(|_| bytes < REQUEST_BYTES) {
            let channel = first.channel.clone();
            let (mut envelopes, mut outcomes, mut length) = (Vec::new(), Vec::new(), batch::HEAD);
            while let Some(next) = self.waiting.front()
                && next.channel == channel
                && (envelopes.is_empty() || envelopes.len() < batch::MOST)
                && (envelopes.is_empty()
                    || length + batch::LENGTH + next.envelope.len() <= batch::LONGEST)
                && let Some(Waiting { envelope, done, .. }) = self.waiting.pop_front()
            {
                self.bytes -= envelope.len();
                length += batch::LENGTH + envelope.len();
                envelopes.push(envelope);
                outcomes.push(done);
            }
            bytes += length;
            commands.push(Command { channel, payload: payload(&envelopes), outcomes });
        }
        self.is_sending = !commands.is_empty();
        commands
    }
}

/// One envelope as it is, several as a batch; both as text.
fn payload(envelopes: &[Vec<u8>]) -> String {
    if let [one] = envelopes {
        return text::write(one);
    }
    let mut bytes = Vec::new();
    // It is written to memory, and there are at most as many as a batch may have.
    drop(batch::write(&mut bytes, envelopes.iter().map(Vec::as_slice)));
    text::write(&bytes)
}
