//! The connection behind a `Socket`: its emits, and the questions to its client.

use std::any::TypeId;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;

use crate::broker::PublishOutcome;
use crate::close_reason::{CloseReason, ClosedBy};
use crate::error::{Error, Result};
use crate::events::{Asked, Asker, EventPublisher, Target, To};
use crate::frame::HEADROOM;
use crate::outbound::Frame;
use crate::rooms::{CLOSED, Hub, Member};
use crate::socket_id::SocketId;
use crate::transport::PendingConnection;
use crate::transport::negotiation::Negotiation;

/// One connection: its hub, and its membership there.
pub(super) struct Connection {
    pub(super) id: SocketId,
    pub(super) hub: Arc<Hub>,
    pub(super) member: Arc<Member>,
    pub(super) negotiation: Arc<Negotiation>,
}

/// The request extension that [`Socket`](super::Socket) is extracted from: the connection that the
/// request becomes.
#[derive(Clone)]
pub(crate) struct SocketExtension {
    connection: Arc<Connection>,
    marker: TypeId,
}

impl SocketExtension {
    pub(crate) fn new(pending: &PendingConnection, marker: TypeId) -> Self {
        let (hub, member) = (pending.hub().clone(), pending.member().clone());
        let negotiation = pending.negotiation().clone();
        Self {
            connection: Arc::new(Connection { id: member.id, hub, member, negotiation }),
            marker,
        }
    }

    /// The connection, if it belongs to the procedure with this marker.
    pub(super) fn of(parts: &Parts, marker: TypeId) -> Result<Arc<Connection>> {
        match parts.extensions.get::<Self>() {
            Some(current) if current.marker == marker => Ok(current.connection.clone()),
            _ => Err(Error::internal(
                "`Socket` was extracted outside of its own WebSocket procedure",
            )),
        }
    }
}

/// The error for an emit to a connection that has ended.
#[cold]
fn closed() -> Error {
    Error::gone(CLOSED)
}

impl EventPublisher for Connection {
    fn publish(&self, target: &Target<'_>, buffer: &mut Vec<u8>) -> PublishOutcome {
        if !matches!(target.to, To::Socket(id) if id == self.id) || target.except.is_some() {
            return self.hub.publish(target, buffer);
        }
        debug_assert!(buffer.len() >= HEADROOM, "an emitter leaves room for the header");
        let start = crate::frame::write_header(buffer, crate::frame::Opcode::Text, false);
        let (frame, json) = (Frame::new(&buffer[start..]), &buffer[HEADROOM..]);
        if !self.hub.push_event(&self.member, &frame, json) {
            return closed().into();
        }
        self.hub.meters().sent.increment(1);
        PublishOutcome::Done(Ok(()))
    }

    fn close(&self, target: &Target<'_>, code: u16, reason: &str) -> PublishOutcome {
        if !matches!(target.to, To::Socket(id) if id == self.id) || target.except.is_some() {
            return self.hub.close_target(target, code, reason);
        }
        let reason = CloseReason::new(ClosedBy::Server, code, reason.to_owned());
        self.hub.close(&self.member, reason);
        PublishOutcome::Done(Ok(()))
    }
}

impl Asker for Connection {
    fn ask(&self, text: Vec<u8>, within: Duration) -> Asked<Box<str>> {
        let sent = self.hub.ask(&self.member, &text);
        Box::pin(async move {
            let answer = crate::platform::timeout(within, sent?.answer());
            answer.await.unwrap_or_else(|_| {
                let message =
                    format!("the client did not answer within {} s", within.as_secs_f32());
                Err(Error::with_code(http::StatusCode::GATEWAY_TIMEOUT, "timeout", message))
            })
        })
    }
}
