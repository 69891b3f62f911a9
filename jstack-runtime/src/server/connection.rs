//! One connection, up to its end or its upgrade.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::respond::{Connected, respond};
use super::shared::Server;
use super::streams::Streams;
use crate::net::activity::{ConnectionPhase, MonitoredStream};
use crate::net::admission::Permit;
use crate::net::heads::HeadWatch;

/// The longest head of a request, in bytes; more is a 431.
const LONGEST_HEAD: usize = 32 * 1024;
/// How long a connection may be idle between two requests. Proxies usually close after 60 s, so
/// this is longer: they close first, and no request meets a closed connection.
const IDLE: Duration = Duration::from_secs(75);

/// Streams that may be open at once on one connection of HTTP/2.
const STREAMS: u32 = 100;
/// The most bytes that may arrive unread on one HTTP/2 stream.
const STREAM_WINDOW: u32 = 64 * 1024;

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
pub(super) fn builder(limits: &crate::limits::Limits) -> auto::Builder<Streams> {
    let mut builder = auto::Builder::new(Streams::new(limits.write_timeout));
    // The clock over heads and idle time is `IdleTimer`, which also knows the first byte and
    // HTTP/2. A small answer is cheaper to copy after its head than to write in pieces.
    builder.http1().header_read_timeout(None).max_buf_size(LONGEST_HEAD).writev(false);
    builder
        .http2()
        .timer(TokioTimer::new())
        .enable_connect_protocol()
        .max_header_list_size(u32::try_from(LONGEST_HEAD).unwrap_or(u32::MAX))
        .max_send_buf_size(64 * 1024)
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        // Room for all streams: one that waits for its turn must not stop the others.
        .initial_connection_window_size(STREAMS * STREAM_WINDOW)
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
    let local = stream.local_addr();
    let stream = MonitoredStream::new(stream, server.limits.write_timeout);
    let mut connection = Connected::new(server, peer, local.ok(), permit);
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

/// Serves HTTP on a stream, up to its end or its upgrade.
pub(super) async fn http<I>(stream: I, connected: Connected, mut stage: watch::Receiver<Stage>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (server, activity) = (connected.server.clone(), connected.activity.clone());
    let connected = Arc::new(connected);
    let service = hyper::service::service_fn(move |request| respond(connected.clone(), request));
    let stream = TokioIo::new(HeadWatch::new(stream, activity.clone()));
    let connection = server.builder.serve_connection_with_upgrades(stream, service);
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
