//! Carries out frames of the profile `v1`, and sends questions.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::hub::Hub;
use super::member::Member;
use crate::error::{Error, Result};
use crate::outbound::Frame;
use crate::protocol::control::Control;
use crate::protocol::frames;

/// A question that was sent. Dropping it cancels the question.
pub(crate) struct PendingQuestion {
    member: Arc<Member>,
    number: u64,
    answer: oneshot::Receiver<Result<Box<str>>>,
}

impl PendingQuestion {
    /// Waits for the answer. Fails with the code `gone` when the connection ends.
    pub(crate) async fn answer(mut self) -> Result<Box<str>> {
        match (&mut self.answer).await {
            Ok(answer) => answer,
            Err(_) => Err(gone()),
        }
    }
}

impl Drop for PendingQuestion {
    fn drop(&mut self) {
        self.member.questions().forget(self.number);
    }
}

#[cold]
fn gone() -> Error {
    Error::gone("the connection has closed")
}

impl Hub {
    /// Carries out a frame of the protocol.
    pub(crate) fn control(&self, member: &Arc<Member>, control: Control<'_>) {
        match control {
            Control::Answer { id, answer } => {
                if !member.asked().is_some_and(|questions| questions.answer(id, answer)) {
                    self.node().meters().late_answers.increment(1);
                }
            }
            Control::Watch { room, off, id } => {
                self.answer_watch(member, &room, off, id.as_deref());
            }
            Control::State { room, state, id } => {
                self.answer_state(member, &room, state, id.as_deref());
            }
            Control::History { ask, id } => self.answer_history(member, ask, &id),
            // The session handles these.
            Control::Token
            | Control::Invalid { .. }
            | Control::Unsupported(_)
            | Control::Ignored => {}
        }
    }

    /// Sends a question: `text` is its frame without the closing bracket.
    ///
    /// Fails at once with the code `unsupported` for a client without the profile `v1`, and with
    /// `gone` once the connection has ended.
    pub(crate) fn ask(&self, member: &Arc<Member>, text: &[u8]) -> Result<PendingQuestion> {
        if !member.profile.is_v1() {
            return Err(Error::with_code(
                http::StatusCode::NOT_IMPLEMENTED,
                "unsupported",
                "this client cannot be asked: it does not speak the profile `jstack.v1`",
            ));
        }
        let (number, answer) = member.questions().begin().ok_or_else(gone)?;
        let pending = PendingQuestion { member: member.clone(), number, answer };
        let frame = Frame::new(frames::question(text, &format!("s{number}")));
        if self.push(member, &frame) { Ok(pending) } else { Err(gone()) }
    }
}
