//! What all connections of a server share.

use std::sync::Arc;

use hyper_util::rt::TokioExecutor;
use hyper_util::server::conn::auto;

use super::proxies::Proxies;
use crate::app_context::AppContext;
use crate::limits::Limits;
use crate::net::admission::Admission;

/// The configuration and the accounts of one server.
pub(super) struct Server {
    pub(super) router: axum::Router,
    pub(super) context: Arc<AppContext>,
    pub(super) limits: Arc<Limits>,
    pub(super) proxies: Proxies,
    pub(super) admission: Arc<Admission>,
    pub(super) builder: auto::Builder<TokioExecutor>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<tokio_rustls::TlsAcceptor>,
}
