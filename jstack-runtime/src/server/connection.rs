//! One connection, up to its end or its upgrade.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Request, Version, header};
use hyper::body::{Body as _, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tower::ServiceExt;

use super::body::MinRateBody;
use super::health;
use super::refusal::RETRY_AFTER;
use super::shared::Server;
use crate::error::Error;
use crate::http::origin::Secure;
use crate::http::versions::{self, asks_for_websocket};
use crate::net::activity::{ActiveRequest, Activity, ConnectionPhase, MonitoredStream};
use crate::net::admission::{ConnectionPermits, Permit};

/// The longest head of a request, in bytes; more is a 431.
const LONGEST_HEAD: usize = 32 * 1024;
/// How long a connection may be idle between two requests: longer than the usual 60 s of the
/// proxies before it, so that they close first and no request falls into the gap.
const IDLE: Duration = Duration::from_secs(75);

/// An answer that hyper takes over as a whole, in bytes.
const SHORT: u64 = 16 * 1024;

/// How far the shutdown has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Running,
    /// Requests are finished, and no others are taken.
    Draining,
    /// The time is up.
    Over,
}

/// hyper's builder for all connections.
pub(super) fn builder(limits: &crate::limits::Limits) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // The clock over heads and idle time is `IdleTimer`, which also knows the first byte and HTTP/2.
    // A small answer is cheaper to copy behind its head than to hand over in pieces.
    builder.http1().header_read_timeout(None).max_buf_size(LONGEST_HEAD).writev(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .enable_connect_protocol()
        .max_header_list_size(u32::try_from(LONGEST_HEAD).unwrap_or(u32::MAX))
        .max_send_buf_size(64 * 1024)
        .keep_alive_interval(limits.ping_interval)
        .keep_alive_timeout(limits.pong_timeout);
    builder
}

/// Serves one connection.
pub(super) async fn serve(
    server: Arc<Server>,
    stream: TcpStream,
    peer: SocketAddr,
    permit: Arc<Permit>,
    stage: watch::Receiver<Stage>,
) {
    let activity = Arc::new(Activity::default());
    let stream = MonitoredStream::new(stream, activity.clone(), server.limits.write_timeout);
    let mut connection = Connected { server, peer, permit, activity, tls: false };
    #[cfg(not(feature = "tls"))]
    let _ = &mut connection;
    #[cfg(feature = "tls")]
    if let Some(acceptor) = connection.server.tls.clone() {
        let patience = connection.server.limits.handshake_timeout;
        let handshake = tokio::time::timeout(patience, acceptor.accept(stream));
        match Box::pin(handshake).await {
            Ok(Ok(stream)) => {
                connection.tls = true;
                http(stream, connection, stage).await;
            }
            Ok(Err(error)) => tracing::debug!(%peer, %error, "the TLS handshake failed"),
            Err(_) => connection.server.context.node().meters().refused.tls_timeout.increment(1),
        }
        return;
    }
    http(stream, connection, stage).await;
}

/// What is known of a connection before its first request.
struct Connected {
    server: Arc<Server>,
    peer: SocketAddr,
    permit: Arc<Permit>,
    activity: Arc<Activity>,
    tls: bool,
}

async fn http<I>(stream: I, connected: Connected, mut stage: watch::Receiver<Stage>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (server, activity) = (connected.server.clone(), connected.activity.clone());
    let connected = Arc::new(connected);
    let service = hyper::service::service_fn(move |request| respond(connected.clone(), request));
    let connection = server.builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let mut clock = IdleTimer::new(server.limits.header_timeout);
    let mut draining = false;
    loop {
        let ended = poll_fn(|cx| {
            if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                return Poll::Ready(Outcome::Done(result));
            }
            clock.poll(cx, activity.phase()).map(|()| Outcome::Late)
        });
        tokio::select! {
            end = ended => {
                match end {
                    Outcome::Done(Err(error)) => tracing::debug!(%error, "connection ended"),
                    Outcome::Done(Ok(())) => {}
                    Outcome::Late => {
                        let refused = &server.context.node().meters().refused;
                        if activity.phase() != ConnectionPhase::Idle {
                            refused.header_timeout.increment(1);
                        }
                    }
                }
                return;
            }
            changed = stage.changed() => match (changed, *stage.borrow_and_update()) {
                (Err(_), _) | (_, Stage::Over) => return,
                (_, Stage::Draining) if !draining => {
                    draining = true;
                    connection.as_mut().graceful_shutdown();
                }
                _ => {}
            }
        }
    }
}

enum Outcome<T> {
    Done(T),
    Late,
}

/// The time that a connection may take without a request under way.
struct IdleTimer {
    sleep: Pin<Box<tokio::time::Sleep>>,
    phase: ConnectionPhase,
    header_timeout: Duration,
}

impl IdleTimer {
    fn new(header_timeout: Duration) -> Self {
        let sleep = Box::pin(sleep_until(Instant::now() + header_timeout));
        Self { sleep, phase: ConnectionPhase::BeforeFirstRequest, header_timeout }
    }

    fn poll(&mut self, cx: &mut std::task::Context<'_>, phase: ConnectionPhase) -> Poll<()> {
        if phase != self.phase {
            self.phase = phase;
            let patience = if phase == ConnectionPhase::Idle { IDLE } else { self.header_timeout };
            self.sleep.as_mut().reset(Instant::now() + patience);
        }
        if phase == ConnectionPhase::Serving { Poll::Pending } else { self.sleep.as_mut().poll(cx) }
    }
}

/// Answers one request.
async fn respond(
    connected: Arc<Connected>,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible> {
    let Connected { server, activity, .. } = &*connected;
    let (peer, tls) = (connected.peer, connected.tls);
    let busy = activity.begin(request.version());
    if let Err(error) = versions::check_host(&request) {
        let mut response = error.into_response();
        if request.version() != Version::HTTP_2 {
            // What follows on this connection may be meant for somebody else.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        return Ok(response);
    }
    versions::unify(&mut request);
    if let Some(answer) = health::answer(&request, &server.context) {
        return answer;
    }
    let mut address = None;
    let (mut client, mut secure) = (peer, tls);
    if server.proxies.trust(peer.ip()) {
        let said = server.proxies.client(peer.ip(), request.headers());
        secure |= said.secure;
        if said.address != peer.ip().to_canonical() {
            client = SocketAddr::new(said.address, 0);
        }
        let Ok(permit) = server.admission.forwarded(said.address) else {
            server.context.node().meters().refused.connections_per_ip.increment(1);
            return Ok(full());
        };
        address = Some(permit);
    }
    request.extensions_mut().insert(ConnectInfo(client));
    if secure {
        request.extensions_mut().insert(Secure);
    }
    let asks_for_more = asks_for_websocket(request.method(), request.headers());
    // Whatever a socket holds beside its own is taken over by it at the upgrade.
    let held = if asks_for_more {
        let lease = ConnectionPermits {
            _connection: connected.permit.clone(),
            _address: address,
            _busy: Arc::new(busy),
        };
        request.extensions_mut().insert(lease.clone());
        RequestGuard::ConnectionPermits(lease)
    } else {
        RequestGuard::Request(busy, address)
    };
    let h2 = request.version() == Version::HTTP_2;
    let grace = server.limits.header_timeout;
    let request = request.map(|body| {
        // Most requests have none: nothing to pace, and nothing to allocate.
        if body.is_end_stream() { Body::empty() } else { Body::new(MinRateBody::new(body, grace)) }
    });
    let Ok(response) = server.router.clone().oneshot(request).await;
    // A request ends with its answer; a short one is written at once.
    let short = response.body().size_hint().exact().is_some_and(|size| size <= SHORT);
    if short && !h2 {
        return Ok(response);
    }
    Ok(response.map(|body| Body::new(Answer { body, _held: held })))
}

/// What a request holds until it is answered.
enum RequestGuard {
    ConnectionPermits(#[allow(dead_code, reason = "held for its drop")] ConnectionPermits),
    Request(
        #[allow(dead_code, reason = "held for its drop")] ActiveRequest,
        #[allow(dead_code, reason = "held for its drop")] Option<Arc<Permit>>,
    ),
}

/// An answer's body, with what the request holds.
struct Answer {
    body: Body,
    _held: RequestGuard,
}

impl hyper::body::Body for Answer {
    type Data = bytes::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

/// The answer when there is no place.
fn full() -> Response {
    let mut response =
        Error::service_unavailable("too many connections from this address; try again later")
            .into_response();
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
    response
}
