//! From a request to a connection: the checks before the upgrade, and the hand-over after it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, Version, header};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::downcast;
use tokio::net::TcpStream;
use tracing::Instrument as _;

use crate::net::activity::MonitoredStream;
use crate::net::admission::ConnectionPermits;
use crate::net::heads::HeadWatch;

use super::liveness;
use super::reader::{Connection, ReadHalf};
use crate::close_reason::{CloseReason, ClosedBy};
use crate::error::Error;
use crate::frame::handshake::{self, Accepted, Refusal};
use crate::outbound::{Frame, write_queue};
use crate::protocol::frames::{self, Bye, Welcome};
use crate::protocol::profile::Profile;
use crate::rooms::{Hub, Member};
use crate::transport::negotiation::Negotiation;

/// A connection that is not one yet: it can be emitted to and can join rooms, and is gone
/// without a trace if the upgrade never comes.
pub(crate) struct PendingConnection {
    member: Arc<Member>,
    hub: Arc<Hub>,
    accepted: Accepted,
    version: Version,
    on_upgrade: Option<OnUpgrade>,
    /// Its place among the server's connections.
    lease: Option<ConnectionPermits>,
    negotiation: Arc<Negotiation>,
    /// The connection has begun: its end is its own affair.
    begun: bool,
}

/// What runs once the upgrade is done.
pub(crate) type ConnectionFuture = Pin<Box<dyn Future<Output = ()> + Send>>;
/// Makes it of the connection; without one, the client was gone before the upgrade.
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
        .map_err(|refusal| refuse(&hub, refusal))?;
        let Some(on_upgrade) = parts.extensions.remove::<OnUpgrade>() else {
            let why = "this connection cannot be upgraded: does a layer replace the request?";
            return Err(refuse(&hub, Refusal::BadRequest(why)));
        };
        let window = accepted.deflate.as_ref().map(|deflate| deflate.server_window_bits);
        let negotiation = Arc::new(Negotiation::of(&parts.headers, profile));
        let member = hub.enter(window, profile).await.map_err(IntoResponse::into_response)?;
        if hub.claim_first_connection() {
            let limits = hub.node().limits();
            let (ping, pong) = (limits.ping_interval, limits.pong_timeout);
            tokio::spawn(liveness::watch(Arc::downgrade(&hub), ping, pong));
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

    /// Answers a client of the profile `v1` with an upgrade that only says why it is refused: a
    /// browser does not show the status of a failed upgrade to a page.
    pub(crate) fn refuse(self, error: &Error) -> Response {
        let status = error.status();
        self.hub.leave_all(&self.member);
        // What `#[connect]` emitted is not for a client that it refused.
        self.member.out().discard();
        let bye = Bye {
            code: error.code(),
            message: error.message(),
            status: Some(status.as_u16()),
            retry: status.is_server_error() || matches!(status.as_u16(), 408 | 429),
            after: error.retry_delay().map(frames::whole_millis),
            issues: if status.is_server_error() { &[] } else { error.issues() },
        };
        let code = frames::close_code(status);
        let reason = CloseReason::new(ClosedBy::Server, code, error.message().to_owned());
        self.hub.push(&self.member, &Frame::new(frames::bye(&bye)));
        self.answer(Box::new(move |connection| {
            Box::pin(async move {
                let Some(connection) = connection else { return };
                connection.end(reason);
                connection.finish().await;
            })
        }))
    }

    /// The first frame of a connection of the profile `v1`.
    fn welcome(&self) -> Vec<u8> {
        let limits = self.hub.node().limits();
        let or_none = |limit: u32| (limit != 0 && limit != u32::MAX).then_some(limit);
        let expires = self.member.life.expires.load(Ordering::Relaxed);
        let now = self.hub.node().nanos() / 1_000_000;
        frames::welcome(&Welcome {
            v: 1,
            id: self.member.id.to_string(),
            ping: u64::try_from(limits.ping_interval.as_millis()).unwrap_or(u64::MAX),
            max: or_none(limits.message_bytes),
            rate: or_none(limits.rate),
            classes: self.hub.classes().incoming(),
            history: self.hub.has_history(),
            ttl: (expires != 0).then(|| expires.saturating_sub(now)),
        })
    }

    /// Answers with the upgrade and runs the connection once it is done; without one, if the
    /// client is gone by then.
    pub(crate) fn accept(self, run: OnOpen) -> Response {
        if self.member.profile.is_v1() {
            // Before anything that `#[connect]` emitted.
            self.member.out().push_first(self.welcome());
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
        // In a box that does not outlive the upgrade: a task keeps the size of its largest state.
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
    // Of somebody else's server, around `App::into_router`.
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

/// The answer to a request that cannot become a WebSocket.
fn refuse(hub: &Hub, refusal: Refusal) -> Response {
    let (status, message) = match refusal {
        Refusal::NotWebSocket => (
            StatusCode::UPGRADE_REQUIRED,
            "this is a WebSocket: connect to it with `client.….$ws()` or `new WebSocket(…)`",
        ),
        Refusal::Version => (
            StatusCode::UPGRADE_REQUIRED,
            "this WebSocket speaks version 13 (`sec-websocket-version: 13`)",
        ),
        Refusal::BadRequest(why) => (StatusCode::BAD_REQUEST, why),
        Refusal::Method => {
            (StatusCode::METHOD_NOT_ALLOWED, "this is a WebSocket: it is opened with GET")
        }
    };
    hub.node().meters().refused.handshake.increment(1);
    let mut response = Error::with_code(status, "handshake", message).into_response();
    let headers = response.headers_mut();
    match refusal {
        Refusal::NotWebSocket => {
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        }
        Refusal::Version => {
            headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        Refusal::Method => {
            headers.insert(header::ALLOW, HeaderValue::from_static(Method::GET.as_str()));
        }
        Refusal::BadRequest(_) => {}
    }
    response
}
