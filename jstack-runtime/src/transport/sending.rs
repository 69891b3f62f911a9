//! The frames that a connection itself sends, and its end: the same on every target.

use std::sync::atomic::Ordering;

use super::Connection;
use crate::close_reason::{CloseReason, ClosedBy};
use crate::error::Error;
use crate::events::EncodedReply;
use crate::outbound::Frame;
use crate::protocol::frames;
use crate::protocol::profile::Profile;

impl Connection {
    /// Closes with a close frame, which is sent after the queue.
    pub(crate) fn close(&self, reason: CloseReason) {
        self.hub().close(self.member(), reason);
    }

    /// Ends with a close frame whose reason was already sent to the client.
    pub(crate) fn end(&self, reason: CloseReason) {
        if let Some(pushed) = self.member().close(reason) {
            self.hub().schedule_flush(self.member(), pushed);
        }
    }

    /// Reports an error to this client alone: as the answer to its request, or as the `error`
    /// event.
    pub(crate) fn send_error(&self, event: Option<&str>, request: Option<&str>, error: &Error) {
        if error.status().is_client_error() {
            tracing::debug!(code = error.code(), "message refused");
        }
        let frame = match request {
            Some(id) => frames::err(error, id),
            None => frames::error(event, error),
        };
        self.hub().push(self.member(), &Frame::new(frame));
    }

    /// Answers a request.
    pub(crate) fn send_reply(&self, request: &str, reply: &EncodedReply) {
        self.hub().push(self.member(), &Frame::new(frames::ok(reply.as_json(), request)));
    }

    /// Answers `$token` with the time that the new credentials last.
    pub(crate) fn send_ttl(&self, request: &str) {
        let expires = self.member().life.expires.load(Ordering::Relaxed);
        let ttl =
            (expires != 0).then(|| expires.saturating_sub(self.hub().node().nanos() / 1_000_000));
        let value = match ttl {
            Some(ttl) => format!("{{\"ttl\":{ttl}}}"),
            None => "{}".to_owned(),
        };
        self.hub().push(self.member(), &Frame::new(frames::ok(value.as_bytes(), request)));
    }

    /// The profile of the connection.
    pub(crate) fn profile(&self) -> Profile {
        self.member().profile
    }

    /// Why it ended; called only after the end.
    pub(crate) fn reason(&self) -> CloseReason {
        let lost = || CloseReason::fixed(ClosedBy::Lost, 1006, "");
        self.member().ending().cloned().unwrap_or_else(lost)
    }
}
