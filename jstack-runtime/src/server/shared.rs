//! The state that all connections of a server share.

use std::sync::Arc;

use hyper_util::server::conn::auto;

use super::streams::Streams;
use crate::app_context::AppContext;
use crate::direct::DirectRoutes;
use crate::limits::Limits;
use crate::net::Proxies;
use crate::net::admission::{Admission, LimitReached};

/// The configuration and the accounts of one server.
pub(super) struct Server {
    pub(super) router: axum::Router,
    pub(super) direct: DirectRoutes,
    pub(super) context: Arc<AppContext>,
    pub(super) limits: Arc<Limits>,
    pub(super) proxies: Proxies,
    pub(super) admission: Arc<Admission>,
    pub(super) builder: auto::Builder<Streams>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<tokio_rustls::TlsAcceptor>,
}

impl Server {
    /// Counts somebody for whom there was no place.
    pub(super) fn count_refusal(&self, limit: LimitReached) {
        let refused = &self.context.node().meters().refused;
        match limit {
            LimitReached::Server => refused.connections.increment(1),
            LimitReached::Address => refused.connections_per_ip.increment(1),
        }
    }
}
