//! `Replier`: how the function form answers a request.

use super::event::Event;
use super::reply::EncodedReply;
use super::target::EmitFuture;
use crate::error::Result;

/// Answers the event that a receiver returned last. Typed repliers wrap it.
pub struct Replier<'a>(&'a mut dyn ReplySink);

/// Takes the reply to the event that was received last.
pub(crate) trait ReplySink: Send {
    /// Fails if that event was another one, was not a request's, or has its reply already.
    fn reply(&mut self, event: &'static str, reply: Result<EncodedReply>) -> Result;
}

impl<'a> Replier<'a> {
    pub(crate) fn new(sink: &'a mut dyn ReplySink) -> Self {
        Self(sink)
    }

    /// Sends the reply after checking its rules.
    pub fn send<T, E, B: ?Sized, R, A>(
        self,
        event: &Event<T, E, B, R, A>,
        reply: &R,
    ) -> EmitFuture {
        EmitFuture::done(self.0.reply(event.wire_name(), event.encode_reply(reply)))
    }
}

impl std::fmt::Debug for Replier<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replier").finish_non_exhaustive()
    }
}

/// The replier of a set of events of which none has a reply.
#[derive(Debug)]
pub struct NoReplies;
