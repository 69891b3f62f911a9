//! From a request to a connection: the checks before the upgrade, and the hand-over after it.

use std::pin::Pin;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, Version, header};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::downcast;
use tokio::net::TcpStream;
use tracing::Instrument as _;

use crate::net::activity::MonitoredStream;
use crate::net::admission::ConnectionPermits;
use crate::net::heads::HeadWatch;

use super::reader::{Connection, ReadHalf};
use crate::error::Error;
use crate::frame::handshake::{self, Accepted, Refusal};
use crate::outbound::write_queue;
use crate::protocol::profile::Profile;
use crate::rooms::{Hub, Member};
use crate::transport::negotiation::Negotiation;
use crate::transport::{opening, watch};

/// A connection before its upgrade. It can join rooms and receive emits; if the upgrade never comes,
/// it is discarded.
pub(crate) struct PendingConnection {
    member: Arc<Member>,
    hub: Arc<Hub>,
    accepted: Accepted,
    version: Version,
    on_upgrade: Option<OnUpgrade>,
    /// Its place among the server's connections.
    lease: Option<ConnectionPermits>,
    negotiation: Arc<Negotiation>,
    /// Set when the connection has begun: it then ends itself.
    begun: bool,
}

/// What runs once the upgrade is done.
pub(crate) type ConnectionFuture = Pin<Box<dyn Future<Output = ()> + Send>>;
/// Builds the connection's future. `None`: the client left before the upgrade completed.
pub(crate) type OnOpen = Box<dyn FnOnce(Option<Connection>) -> ConnectionFuture + Send>;

impl PendingConnection {
    /// Checks the handshake and lets the connection in.
    pub(crate) async fn begin(
        parts: &mut Parts,
        hub: Arc<Hub>,
        profile: Profile,
    ) -> std::result::Result<Self, Response> {
        if hub.node().is_draining() {
            hub.node().meters().refused.draining.increment(1);
            return Err(Error::service_unavailable("the server is restarting").into_response());
        }
        let protocol =
            parts.extensions.get::<hyper::ext::Protocol>().map(|p| p.as_str().to_owned());
        let accepted = handshake::check(
            &parts.method,
            parts.version,
            &parts.headers,
            protocol.as_deref(),
            cfg!(feature = "deflate"),
        )
        .map_err(|refusal| opening::refuse(&hub, refusal))?;
        let Some(on_upgrade) = parts.extensions.remove::<OnUpgrade>() else {
            let why = "this connection cannot be upgraded: does a layer replace the request?";
            return Err(opening::refuse(&hub, Refusal::BadRequest(why)));
        };
        let window = accepted.deflate.as_ref().map(|deflate| deflate.server_window_bits);
        let negotiation = Arc::new(Negotiation::of(&parts.headers, profile));
        let member = hub.enter(window, profile).await.map_err(IntoResponse::into_response)?;
        if hub.claim_first_connection() {
            let limits = hub.node().limits();
            let (ping, pong) = (limits.ping_interval, limits.pong_timeout);
            tokio::spawn(watch::watch(Arc::downgrade(&hub), ping, pong));
        }
        let lease = parts.extensions.remove::<ConnectionPermits>();
        let (version, on_upgrade) = (parts.version, Some(on_upgrade));
        Ok(Self { member, hub, accepted, version, on_upgrade, lease, negotiation, begun: false })
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

    /// Answers a client of the profile `v1` with an upgrade that only reports the refusal: browsers
    /// hide the status of a failed upgrade from the page.
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

    /// Answers with the upgrade, and runs the connection once it is done; with `None` if the client
    /// has left by then.
    pub(crate) fn accept(self, run: OnOpen) -> Response {
        if self.member.profile.is_v1() {
            // Before anything that `#[connect]` emitted.
            self.member.out().push_first(opening::welcome(&self.hub, &self.member));
        }
        self.answer(run)
    }

    fn answer(mut self, run: OnOpen) -> Response {
        let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
        if self.version == Version::HTTP_2 {
            *response.status_mut() = StatusCode::OK;
        } else {
            let headers = response.headers_mut();
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            if let Some(accept) = self.accepted.accept.take() {
                headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
            }
        }
        if let Some(deflate) = self.accepted.deflate.take() {
            response.headers_mut().insert(header::SEC_WEBSOCKET_EXTENSIONS, deflate.response);
        }
        if let Some(name) = self.negotiation.selected().and_then(|n| HeaderValue::from_str(n).ok())
        {
            response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, name);
        }
        let Some(on_upgrade) = self.on_upgrade.take() else { return response };
        // Boxed, and dropped after the upgrade: a task keeps the size of its largest state.
        #[allow(
            clippy::async_yields_async,
            reason = "the box ends before what it gives is awaited"
        )]
        let upgrade = Box::pin(async move {
            match on_upgrade.await {
                Ok(upgraded) => {
                    let (procedure, socket) = (self.hub.procedure(), self.member.id);
                    let span = tracing::info_span!("socket", procedure, %socket);
                    let connection = run(Some(self.attach(upgraded)));
                    if span.is_disabled() {
                        connection
                    } else {
                        Box::pin(connection.instrument(span))
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "the upgrade did not come about");
                    run(None)
                }
            }
        });
        tokio::spawn(async move {
            let connection = upgrade.await;
            connection.await;
        });
        response
    }

    /// Takes the stream back from hyper and connects the queue to it.
    fn attach(mut self, upgraded: Upgraded) -> Connection {
        let (hub, member) = (self.hub.clone(), self.member.clone());
        let (incoming, first, pushed) = match reclaim_stream(upgraded) {
            Ok((stream, first)) => {
                let (read, write) = stream.into_split();
                (ReadHalf::Tcp(read), first, member.out().attach_tcp(write))
            }
            Err(upgraded) => {
                let (read, write) = tokio::io::split(TokioIo::new(upgraded));
                let pushed = member.out().attach_task();
                let (writer, patience) = (member.clone(), hub.node().limits().write_timeout);
                tokio::spawn(write_queue(writer, write, patience));
                (ReadHalf::Other(read), Vec::new(), pushed)
            }
        };
        hub.schedule_flush(&member, pushed);
        self.begun = true;
        Connection::new(hub, member, incoming, first, self.lease.take())
    }
}

/// The plain socket, if there is one, and what came with the handshake. hyper's buffer is 8 KiB:
/// it must not live as long as the connection.
fn reclaim_stream(upgraded: Upgraded) -> Result<(TcpStream, Vec<u8>), Upgraded> {
    let upgraded = match downcast::<TokioIo<HeadWatch<MonitoredStream>>>(upgraded) {
        Ok(parts) => {
            return Ok((parts.io.into_inner().into_inner().into_inner(), parts.read_buf.to_vec()));
        }
        Err(upgraded) => upgraded,
    };
    // From another server, around `App::into_router`.
    let parts = downcast::<TokioIo<TcpStream>>(upgraded)?;
    Ok((parts.io.into_inner(), parts.read_buf.to_vec()))
}

impl Drop for PendingConnection {
    fn drop(&mut self) {
        if !self.begun {
            self.hub.leave_all(&self.member);
        }
    }
}
