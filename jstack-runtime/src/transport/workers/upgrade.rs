//! From a request to a connection: the checks before the upgrade, and the runtime's WebSocket.

use std::pin::Pin;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, header};
use tracing::Instrument as _;

use super::connection::Connection;
use crate::error::Error;
use crate::frame::handshake::{Refusal, offers_websocket};
use crate::limits::or_none;
use crate::platform;
use crate::platform::workers::glue;
use crate::protocol::profile::Profile;
use crate::rooms::{Hub, Member};
use crate::transport::negotiation::Negotiation;
use crate::transport::{opening, watch};

/// A connection that is not one yet: it can be emitted to and can join rooms, and is gone
/// without a trace if the upgrade never comes.
pub(crate) struct PendingConnection {
    member: Arc<Member>,
    hub: Arc<Hub>,
    negotiation: Arc<Negotiation>,
    /// The connection has begun: its end is its own affair.
    begun: bool,
}

/// What runs once the upgrade is done.
pub(crate) type ConnectionFuture = Pin<Box<dyn Future<Output = ()> + Send>>;
/// Makes it of the connection; without one, the client was gone before the upgrade.
pub(crate) type OnOpen = Box<dyn FnOnce(Option<Connection>) -> ConnectionFuture + Send>;

/// In an answer's extensions: the WebSocket whose other half the client gets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientHalf(pub(crate) u32);

impl PendingConnection {
    /// Checks the handshake and lets the connection in.
    pub(crate) async fn begin(
        parts: &mut Parts,
        hub: Arc<Hub>,
        profile: Profile,
    ) -> Result<Self, Response> {
        if hub.node().is_draining() {
            hub.node().meters().refused.draining.increment(1);
            return Err(Error::service_unavailable("the server is restarting").into_response());
        }
        // The runtime has checked the rest.
        if parts.method != Method::GET {
            return Err(opening::refuse(&hub, Refusal::Method));
        }
        if !offers_websocket(&parts.headers) {
            return Err(opening::refuse(&hub, Refusal::NotWebSocket));
        }
        let negotiation = Arc::new(Negotiation::of(&parts.headers, profile));
        let member = hub.enter(None, profile).await.map_err(IntoResponse::into_response)?;
        if hub.claim_first_connection() {
            let limits = hub.node().limits();
            let (ping, pong) = (limits.ping_interval, limits.pong_timeout);
            platform::spawn(watch::watch(Arc::downgrade(&hub), ping, pong));
        }
        Ok(Self { member, hub, negotiation, begun: false })
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    pub(crate) fn member(&self) -> &Arc<Member> {
        &self.member
    }

    pub(crate) fn negotiation(&self) -> &Arc<Negotiation> {
        &self.negotiation
    }

    /// Answers a client of the profile `v1` with an upgrade that only says why it is refused: a
    /// browser does not show the status of a failed upgrade to a page.
    pub(crate) fn refuse(self, error: &Error) -> Response {
        let reason = opening::refused(&self.hub, &self.member, error);
        self.answer(Box::new(move |connection| {
            Box::pin(async move {
                let Some(connection) = connection else { return };
                connection.end(reason);
                connection.finish().await;
            })
        }))
    }

    /// Answers with the upgrade and runs the connection.
    pub(crate) fn accept(self, run: OnOpen) -> Response {
        if self.member.profile.is_v1() {
            // Before anything that `#[connect]` emitted.
            self.member.out().push_first(opening::welcome(&self.hub, &self.member));
        }
        self.answer(run)
    }

    #[allow(clippy::cast_precision_loss, reason = "a length")]
    fn answer(mut self, run: OnOpen) -> Response {
        // A unit of UTF-16 is at least one byte.
        let socket = glue::open_socket(or_none(self.hub.node().limits().message_bytes) as f64);
        let (hub, member) = (self.hub.clone(), self.member.clone());
        let (procedure, id) = (hub.procedure(), member.id);
        let span = tracing::info_span!("socket", procedure, socket = %id);
        let connection = Connection::new(hub.clone(), member.clone(), socket);
        self.begun = true;
        member.out().attach(socket);
        let connection = run(Some(connection));
        if span.is_disabled() {
            platform::spawn(connection);
        } else {
            platform::spawn(connection.instrument(span));
        }
        let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
        response.extensions_mut().insert(ClientHalf(socket));
        if let Some(name) = self.negotiation.selected().and_then(|n| HeaderValue::from_str(n).ok())
        {
            response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, name);
        }
        response
    }
}

impl Drop for PendingConnection {
    fn drop(&mut self) {
        if !self.begun {
            self.hub.leave_all(&self.member);
        }
    }
}
