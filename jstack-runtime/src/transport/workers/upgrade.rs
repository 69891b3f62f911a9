//! From a request to a connection: refused.

use std::pin::Pin;
use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use http::request::Parts;

use super::connection::Connection;
use crate::error::Error;
use crate::protocol::profile::Profile;
use crate::rooms::{Hub, Member};
use crate::transport::negotiation::Negotiation;

/// A connection that is not one yet. There is none.
pub(crate) enum PendingConnection {}

/// What runs once the upgrade is done.
pub(crate) type ConnectionFuture = Pin<Box<dyn Future<Output = ()> + Send>>;
/// Makes it of the connection; without one, the client was gone before the upgrade.
pub(crate) type OnOpen = Box<dyn FnOnce(Option<Connection>) -> ConnectionFuture + Send>;

impl PendingConnection {
    /// Refuses: this target has no WebSockets yet.
    #[allow(clippy::unused_async, reason = "waits where there are connections")]
    pub(crate) async fn begin(_: &mut Parts, _: Arc<Hub>, _: Profile) -> Result<Self, Response> {
        let message = "WebSockets are not there yet on WebAssembly";
        Err(Error::new(StatusCode::NOT_IMPLEMENTED, message).into_response())
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        match *self {}
    }

    pub(crate) fn member(&self) -> &Arc<Member> {
        match *self {}
    }

    pub(crate) fn negotiation(&self) -> &Arc<Negotiation> {
        match *self {}
    }

    pub(crate) fn refuse(self, _: &Error) -> Response {
        match self {}
    }

    pub(crate) fn accept(self, _: OnOpen) -> Response {
        match self {}
    }
}
