//! A server on a port of the system's choice, in this process.

#![allow(
    clippy::missing_panics_doc,
    clippy::single_match_else,
    clippy::decimal_bitwise_operands,
    reason = "for tests"
)]

use std::net::SocketAddr;
use std::time::Duration;

use jstack_runtime::{App, BoxError, CloseReason, Io, Limits};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::app::{self, ChatProcedure};

/// A running server.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// Emits from outside.
    pub io: Io<ChatProcedure>,
    /// The reasons of ended connections.
    pub gone: UnboundedReceiver<CloseReason>,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<Result<(), BoxError>>,
}

/// Limits under which tests are quick, and which one client of the loopback does not reach.
pub fn limits() -> Limits {
    Limits {
        connections_per_ip: u32::MAX,
        connections: u32::MAX,
        drain_spread: Duration::ZERO,
        ..Limits::default()
    }
}

impl Server {
    /// Starts one.
    pub async fn start(limits: Limits) -> Self {
        Self::start_with(limits, |app| app).await
    }

    /// Starts one with further settings.
    #[allow(clippy::expect_used, reason = "for tests")]
    pub async fn start_with(limits: Limits, with: impl FnOnce(App) -> App) -> Self {
        let (gone, reasons) = unbounded_channel();
        let app = with(app::app(limits, gone));
        let io = app.io::<ChatProcedure>();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(app.serve_on_until(listener, async {
            let _ = stopped.await;
        }));
        Self { address, io, gone: reasons, stop: Some(stop), running }
    }

    /// Begins the shutdown.
    pub fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    /// Begins the shutdown and waits for its end.
    #[allow(clippy::expect_used, reason = "for tests")]
    pub async fn stopped(mut self) {
        self.stop();
        self.running.await.expect("no panic").expect("no error");
    }
}
