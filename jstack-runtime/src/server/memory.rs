//! A server without a port: each connection is a pair of pipes in memory.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::io::DuplexStream;
use tokio::sync::watch;

use super::accept::{Start, shared};
use super::connection::{self, Stage};
use super::drain::close_all;
use super::respond::Connected;
use super::shared::Server;

/// The bytes that fit into a pipe before its writer waits, as into a socket's buffer.
const PIPE: usize = 64 * 1024;

/// A server that is reached by [`open`](Self::open) alone.
pub(crate) struct InMemory {
    server: Arc<Server>,
    stage: watch::Sender<Stage>,
}

impl InMemory {
    pub(crate) fn new(start: Start) -> Self {
        start.context.node().broker().start();
        let Start { router, direct, context, proxies, .. } = start;
        let server = Arc::new(shared(router, direct, context, proxies));
        Self { server, stage: watch::Sender::new(Stage::Running) }
    }

    /// Another connection, of which this is the client's end.
    ///
    /// Fails where a server would refuse it: it is draining, or has too many.
    pub(crate) fn open(&self) -> io::Result<DuplexStream> {
        if *self.stage.borrow() != Stage::Running {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let permit = self.server.admission.connection(None).map_err(|_| {
            io::Error::new(io::ErrorKind::ConnectionRefused, "the server has too many connections")
        })?;
        let (client, stream) = tokio::io::duplex(PIPE);
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let connected = Connected::new(self.server.clone(), peer, Some(peer), permit);
        tokio::spawn(connection::http(stream, connected, self.stage.subscribe()));
        Ok(client)
    }

    /// Drains as at the end of a server: no new connections, and sockets are closed with 1012.
    pub(crate) async fn drain(&self) {
        self.server.context.node().drain();
        let _ = self.stage.send(Stage::Draining);
        tokio::select! {
            () = self.server.admission.emptied() => {}
            () = close_all(&self.server.context, self.server.limits.drain_spread) => {}
            () = tokio::time::sleep(self.server.limits.drain_deadline) => {}
        }
        let _ = self.stage.send(Stage::Over);
    }
}
