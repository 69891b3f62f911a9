//! Connections for calls, kept for the next one: hyper-util's pool over this client's streams.
//!
//! A call that meets a connection which the server has just closed, and that was not sent on it, is
//! sent on a new one. That is the pool's doing; nothing that may have been done is sent twice.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tower::Service;

use super::failure;
use super::network::{Connecting, Connector, Stream};
use crate::error::{Error, Result};

/// How long a connection is kept that nobody uses. Proxies close theirs after a minute.
const IDLE: Duration = Duration::from_secs(45);
/// How many connections are kept that nobody uses.
const MOST_IDLE: usize = 8;

/// Cheap to clone: all clones have the same connections.
#[derive(Clone)]
pub(super) struct Pool(legacy::Client<Streams, Full<Bytes>>);

impl Pool {
    pub(super) fn new(connector: Arc<dyn Connector>) -> Self {
        let client = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MOST_IDLE)
            .build(Streams(connector));
        Self(client)
    }

    /// Sends a request, whose URI is absolute. Cancel safe: a call that is dropped is given up, and so
    /// is its connection.
    pub(super) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>> {
        self.0.request(request).await.map_err(failed)
    }
}

#[allow(clippy::needless_pass_by_value, reason = "as `map_err` passes it")]
fn failed(error: legacy::Error) -> Error {
    let cause =
        std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
    if error.is_connect() {
        failure::connect(format!("cannot connect: {cause}"))
    } else {
        failure::lost(format!("the connection failed: {cause}"))
    }
}

/// Opens streams for the pool, which asks by address: all of them lead to one server.
#[derive(Clone)]
struct Streams(Arc<dyn Connector>);

impl Service<Uri> for Streams {
    type Response = TokioIo<Box<dyn Stream>>;
    type Error = io::Error;
    type Future = Opening;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Opening {
        Opening(self.0.connect())
    }
}

struct Opening(Connecting);

impl Future for Opening {
    type Output = io::Result<TokioIo<Box<dyn Stream>>>;

    fn poll(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map_ok(TokioIo::new)
    }
}

impl Connection for Box<dyn Stream> {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}
