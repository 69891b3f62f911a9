//! To the server: what is sent, kept or refused, and the requests that wait for an answer.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::outbox::Fate;
use super::requests::{Id, Pending};
use super::state::{Core, Phase};
use crate::client::failure;
use crate::error::{Error, Result};

/// How often what waits for the network is looked at.
const DRAIN: Duration = Duration::from_millis(50);

impl Core {
    /// Sends an event or keeps it. `Ok` also for a volatile one that is dropped: that is what it is for.
    pub(in crate::client) fn emit(&mut self, event: &str, text: String) -> Result {
        self.check(event, &text)?;
        self.add(event, text, None)
    }

    fn add(&mut self, event: &str, text: String, id: Option<String>) -> Result {
        let sending = self.is_up().then_some(self.sending);
        match self.outbox.add(event, text, id, sending)? {
            Fate::Send(text) => self.out.push(text),
            Fate::Kept if self.is_up() => self.drain_at = Some(Instant::now() + DRAIN),
            Fate::Kept | Fate::Dropped => {}
        }
        Ok(())
    }

    /// Begins a request: its id, and where its answer comes. `open` is its frame without the bracket
    /// that closes it.
    pub(in crate::client) fn request(
        &mut self,
        event: &str,
        mut open: String,
    ) -> Result<(String, oneshot::Receiver<Result<String>>)> {
        let id = self.requests.new_id();
        open.push(',');
        open.push_str(&serde_json::to_string(&Id { i: &id }).unwrap_or_default());
        open.push(']');
        self.check(event, &open)?;
        let sent = self.is_up();
        if sent && !self.v1 {
            let why = "this server answers no requests: it speaks the base profile";
            return Err(failure::unsupported(why));
        }
        self.add(event, open, Some(id.clone()))?;
        let (reply, answer) = oneshot::channel();
        self.requests.pending.insert(id.clone(), Pending::Call { sent, reply });
        Ok((id, answer))
    }

    /// Forgets a request, whose answer is ignored from now on.
    pub(in crate::client) fn forget(&mut self, id: &str) {
        self.requests.pending.remove(id);
        self.outbox.remove(id);
    }

    /// Why it cannot be sent, not even later.
    fn check(&self, event: &str, text: &str) -> Result {
        if self.phase == Phase::Closed {
            return Err(failure::closed());
        }
        if text.len() > self.longest {
            return Err(failure::too_large(event, self.longest));
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) {
        if !self.is_up() {
            return;
        }
        while let Some(next) = self.outbox.next(self.sending) {
            match next {
                Ok(kept) => {
                    if let Some(Pending::Call { sent, .. }) =
                        kept.id.as_ref().and_then(|id| self.requests.pending.get_mut(id))
                    {
                        *sent = true;
                    }
                    self.out.push(kept.text);
                }
                Err((event, error)) => self.report(Some(event), error),
            }
        }
        if !self.outbox.is_empty() {
            self.drain_at = Some(Instant::now() + DRAIN);
        }
    }

    pub(super) fn fail_requests(&mut self, cause: &Error, only_sent: bool) {
        let ended: Vec<String> = self
            .requests
            .pending
            .iter()
            .filter(
                |(_, pending)| matches!(pending, Pending::Call { sent, .. } if *sent || !only_sent),
            )
            .map(|(id, _)| id.clone())
            .collect();
        for id in ended {
            self.outbox.remove(&id);
            if let Some(Pending::Call { reply, .. }) = self.requests.pending.remove(&id) {
                let _ = reply.send(Err(failure::copy(cause)));
            }
        }
    }
}
