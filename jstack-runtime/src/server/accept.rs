//! The accept loop, and its end.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;

use super::connection::{self, Stage};
use super::drain;
use super::refusal::Refusals;
use super::shared::Server;
#[cfg(feature = "tls")]
use super::tls::{self, Identity};
use crate::app_context::AppContext;
use crate::direct::DirectRoutes;
use crate::error::BoxError;
use crate::limits::{Limits, or_none};
use crate::net::Proxies;
use crate::net::admission::Admission;
use crate::observe;

/// The time to wait when the process has no file descriptors left.
const EXHAUSTED: Duration = Duration::from_millis(50);

/// The configuration of a server.
pub(crate) struct Start {
    pub(crate) router: axum::Router,
    /// What can be called without the router.
    pub(crate) direct: DirectRoutes,
    pub(crate) context: Arc<AppContext>,
    pub(crate) proxies: Proxies,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Identity>,
}

/// How a drain ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drained {
    /// All connections have ended.
    All,
    /// The remaining connections are cut off, and their handlers may still run.
    CutOff,
}

/// Serves on `listener` until `shutdown`, then drains; `at_once` ends the drain. `log_start` gets the URL and the broker.
pub(crate) async fn serve(
    listener: TcpListener,
    start: Start,
    log_start: impl FnOnce(&str, &str),
    shutdown: impl Future<Output = ()>,
    at_once: impl Future<Output = ()>,
) -> Result<Drained, BoxError> {
    let Start { router, direct, context, proxies, .. } = start;
    let address = listener.local_addr()?;
    #[cfg(feature = "tls")]
    let tls = start.tls.as_ref().map(tls::Identity::acceptor).transpose()?;
    #[cfg(feature = "tls")]
    let scheme = if tls.is_some() { "https" } else { "http" };
    #[cfg(not(feature = "tls"))]
    let scheme = "http";
    log_start(&format!("{scheme}://{address}"), &context.node().broker().describe());
    context.node().broker().start();
    let server = shared(router, direct, context, proxies);
    #[cfg(feature = "tls")]
    let server = Server { tls, ..server };
    let server = Arc::new(server);
    let stage = watch::Sender::new(Stage::Running);
    accept(&listener, &server, &stage, shutdown).await;
    // New clients are better served by another process.
    drop(listener);
    server.context.node().drain();
    let _ = stage.send(Stage::Draining);
    let drained = drain(&server, at_once).await;
    let _ = stage.send(Stage::Over);
    Ok(drained)
}

/// The state that all connections share, without TLS.
pub(super) fn shared(
    router: axum::Router,
    direct: DirectRoutes,
    context: Arc<AppContext>,
    proxies: Proxies,
) -> Server {
    let limits = context.limits().clone();
    let admission = Admission::new(
        most_connections(&limits),
        or_none(limits.connections_per_ip),
        context.node().meters().connections.clone(),
    );
    Server {
        router,
        direct,
        context,
        builder: connection::builder(&limits),
        limits,
        proxies,
        admission,
        #[cfg(feature = "tls")]
        tls: None,
    }
}

async fn accept(
    listener: &TcpListener,
    server: &Arc<Server>,
    stage: &watch::Sender<Stage>,
    shutdown: impl Future<Output = ()>,
) {
    let mut shutdown = pin!(shutdown);
    let refusals = Refusals::default();
    let meters = server.context.node().meters();
    let mut is_logged = false;
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_the_clients(&error) => continue,
            Err(error) => {
                if !is_logged {
                    is_logged = true;
                    observe::error!(%error, open = server.admission.open(), "connections cannot be accepted; is the limit of open files (`ulimit -n`) too low?");
                }
                tokio::select! {
                    () = &mut shutdown => return,
                    () = tokio::time::sleep(EXHAUSTED) => continue,
                }
            }
        };
        let own = (!server.proxies.trust(peer.ip())).then(|| peer.ip());
        match server.admission.connection(own) {
            Ok(permit) => {
                is_logged = false;
                let _ = stream.set_nodelay(true);
                meters.accepted.increment(1);
                let (server, stage) = (server.clone(), stage.subscribe());
                tokio::spawn(connection::serve(server, stream, peer, permit, stage));
            }
            Err(full) => {
                server.count_refusal(full);
                #[cfg(feature = "tls")]
                if server.tls.is_some() {
                    // An answer would cost a handshake.
                    continue;
                }
                refusals.refuse(stream, full);
            }
        }
    }
}

/// Whether only the one connection is at fault.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionAborted
            | ErrorKind::ConnectionReset
            | ErrorKind::Interrupted
    )
}

async fn drain(server: &Server, at_once: impl Future<Output = ()>) -> Drained {
    let limits = &server.limits;
    tokio::select! {
        () = server.admission.emptied() => return Drained::All,
        () = drain::close_all(&server.context, limits.drain_spread) => {}
        () = tokio::time::sleep(limits.drain_deadline) => {
            let sockets = drain::kill_all(&server.context);
            let open = server.admission.open();
            observe::warning!(sockets, open, "the shutdown took longer than `drain_deadline`; the rest is cut off");
        }
        () = at_once => {
            observe::warning!(open = server.admission.open(), "shutting down at once");
            drain::kill_all(&server.context);
        }
    }
    Drained::CutOff
}

/// Descriptors that a process needs for itself, whatever its limit: the runtime's, the listener,
/// the broker's, files.
#[cfg(unix)]
const OWN_DESCRIPTORS: u64 = 32;

/// The limit, or nine tenths of the descriptors that the process may open: few enough that its own
/// are left.
fn most_connections(limits: &Limits) -> usize {
    if limits.connections != 0 {
        return or_none(limits.connections);
    }
    #[cfg(unix)]
    if let Some(descriptors) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current
    {
        let most = descriptors.saturating_sub((descriptors / 10).max(OWN_DESCRIPTORS));
        return usize::try_from(most).unwrap_or(usize::MAX).max(1);
    }
    usize::MAX
}
