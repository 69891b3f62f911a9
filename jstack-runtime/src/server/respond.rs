//! One request of a connection: the checks before the application sees it, and its permits.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Request, Version, header};
use hyper::body::{Body as _, Incoming};
use tower::ServiceExt;

use super::answer::{Held, Pieces, Untaken};
use super::body::MinRateBody;
use super::health;
use super::refusal::RETRY_AFTER;
use super::request_guard::RequestGuard;
use super::shared::Server;
use crate::error::Error;
use crate::http::note_client;
use crate::http::origin::{Secure, is_private};
use crate::http::versions::{self, asks_for_websocket};
use crate::net::activity::Activity;
use crate::net::admission::{ConnectionPermits, LimitReached, Permit};
use crate::net::bodies::BodyTurns;

/// An answer that hyper takes over as a whole, in bytes.
const SHORT: u64 = 16 * 1024;

/// The facts about a connection before its first request.
pub(super) struct Connected {
    pub(super) server: Arc<Server>,
    pub(super) peer: SocketAddr,
    pub(super) permit: Arc<Permit>,
    pub(super) activity: Arc<Activity>,
    pub(super) tls: bool,
    /// It comes from a proxy that is believed, and may carry many clients.
    is_proxy: bool,
    /// It came to an address that strangers reach by their pages alone.
    is_private: bool,
    /// The host of its first request, which the server answers to.
    host: OnceLock<HeaderValue>,
    bodies: BodyTurns,
    untaken: Arc<Untaken>,
}

impl Connected {
    /// A connection from `peer` to `local`, if that is known.
    pub(super) fn new(
        server: Arc<Server>,
        peer: SocketAddr,
        local: Option<SocketAddr>,
        permit: Arc<Permit>,
    ) -> Self {
        let is_proxy = server.proxies.trust(peer.ip());
        Self {
            server,
            peer,
            permit,
            activity: Arc::default(),
            tls: false,
            is_proxy,
            is_private: !is_proxy && local.is_some_and(|local| is_private(local.ip())),
            host: OnceLock::new(),
            bodies: BodyTurns::new(),
            untaken: Arc::default(),
        }
    }

    /// Whether the request names one host alone, which an earlier request of this connection named. It
    /// was checked then.
    fn knows_host<B>(&self, request: &Request<B>) -> bool {
        let Some(known) = self.host.get() else { return false };
        let mut hosts = request.headers().get_all(header::HOST).iter();
        request.version() == Version::HTTP_11
            && request.uri().authority().is_none()
            && matches!((hosts.next(), hosts.next()), (Some(host), None) if host == known)
    }

    /// Notes the host of a request that was checked.
    fn remember_host<B>(&self, request: &Request<B>) {
        if request.version() == Version::HTTP_11
            && let Some(host) = request.headers().get(header::HOST)
        {
            let _ = self.host.set(host.clone());
        }
    }
}

/// Answers one request.
pub(super) async fn respond(
    connected: Arc<Connected>,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let Connected { server, activity, .. } = &*connected;
    let (peer, tls) = (connected.peer, connected.tls);
    let h2 = request.version() == Version::HTTP_2;
    let busy = activity.begin(request.version(), request.body().size_hint().exact());
    let known = connected.knows_host(&request);
    if !known && let Err(error) = versions::check_host(&request) {
        let mut response = error.into_response();
        if !h2 {
            // Later requests on this connection may be meant for another host.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        return Ok(response);
    }
    let named_in_target = request.uri().authority().is_some();
    versions::unify(&mut request);
    if let Some(answer) = health::answer(&request, &server.context) {
        return answer;
    }
    if !known {
        let hosts = server.context.hosts();
        if let Err(error) = hosts.check(request.headers(), request.uri(), connected.is_private) {
            server.context.node().meters().refused.host.increment(1);
            return Ok(error.into_response());
        }
        if !named_in_target {
            connected.remember_host(&request);
        }
    }
    let mut address = None;
    let (mut client, mut secure) = (peer, tls);
    if connected.is_proxy {
        let said = server.proxies.client(peer.ip(), request.headers());
        secure |= said.secure;
        if said.address != peer.ip().to_canonical() {
            client = SocketAddr::new(said.address, 0);
        }
        match server.admission.forwarded(said.address) {
            Ok(permit) => address = Some(permit),
            Err(limit) => return Ok(refuse(server, limit)),
        }
    }
    let direct = server.direct.find(&request);
    if direct.is_none() {
        note_client(client, request.extensions_mut());
    }
    if secure {
        request.extensions_mut().insert(Secure);
    }
    let asks_for_more = asks_for_websocket(request.method(), request.headers());
    // The permits of a request for a socket are shared: the socket keeps them after the upgrade.
    let held = if asks_for_more {
        let stream = if h2 {
            // The connection carries many sockets: each counts as a connection, as over HTTP/1.
            match server.admission.connection((!connected.is_proxy).then(|| peer.ip())) {
                Ok(permit) => Some(permit),
                Err(limit) => return Ok(refuse(server, limit)),
            }
        } else {
            None
        };
        let lease = ConnectionPermits {
            _connection: connected.permit.clone(),
            _stream: stream,
            _address: address,
            _busy: Arc::new(busy),
        };
        request.extensions_mut().insert(lease.clone());
        RequestGuard::ConnectionPermits(lease)
    } else {
        RequestGuard::Request(busy, address)
    };
    if h2 && !asks_for_more && !connected.is_proxy {
        connected.untaken.room().await;
        if BodyTurns::are_for(request.body().size_hint().exact()) {
            request.extensions_mut().insert(connected.bodies.clone());
        }
    }
    let grace = server.limits.header_timeout;
    let request = request.map(|body| {
        // Most requests have none: nothing to pace, and nothing to allocate.
        if body.is_end_stream() { Body::empty() } else { Body::new(MinRateBody::new(body, grace)) }
    });
    let response = if let Some(procedure) = direct {
        procedure.answer(request, client).await
    } else {
        let Ok(response) = server.router.clone().oneshot(request).await;
        response
    };
    if h2 {
        let untaken = connected.untaken.clone();
        return Ok(response.map(|body| Body::new(Pieces::new(body, untaken, held))));
    }
    // A request ends with its answer; a short one is written at once.
    let short = response.body().size_hint().exact().is_some_and(|size| size <= SHORT);
    if short {
        return Ok(response);
    }
    Ok(response.map(|body| Body::new(Held { body, _guard: held })))
}

/// The answer when the limit of connections is reached.
fn refuse(server: &Server, limit: LimitReached) -> Response {
    server.count_refusal(limit);
    let mut response = Error::service_unavailable(limit.message()).into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
    response
}
