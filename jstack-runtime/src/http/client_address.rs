//! The client's address, on a server and on Workers.

use std::net::{IpAddr, SocketAddr};

use axum::extract::FromRequestParts;
use http::Extensions;
use http::request::Parts;

use crate::error::{Error, Result};

/// An extractor: the address of the client that sent the request.
///
/// Behind [trusted proxies](crate::App::trusted_proxies) it is the one that they report, and on
/// Cloudflare Workers the one that the edge reports. The answer is a 500 where nobody knows it: in
/// another server, without axum's `ConnectInfo`.
///
/// ```
/// use jstack_runtime::ClientAddress;
/// use jstack_runtime::prelude::*;
///
/// #[procedure(get)]
/// async fn address(ClientAddress(address): ClientAddress) -> String {
///     address.to_string()
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(
    /// The address, without a port.
    pub IpAddr,
);

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        find(parts).ok_or_else(|| {
            Error::internal(
                "the client's address is not known: serve the router with axum's \
                 `into_make_service_with_connect_info::<SocketAddr>()`",
            )
        })
    }
}

/// Notes who sent a request, for extractors.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn note_client(client: SocketAddr, extensions: &mut Extensions) {
    extensions.insert(axum::extract::ConnectInfo(client));
}

#[cfg(target_family = "wasm")]
pub(crate) fn note_client(client: SocketAddr, extensions: &mut Extensions) {
    extensions.insert(ClientAddress(client.ip().to_canonical()));
}

#[cfg(not(target_family = "wasm"))]
fn find(parts: &Parts) -> Option<ClientAddress> {
    use axum::extract::ConnectInfo;

    let info = parts.extensions.get::<ConnectInfo<SocketAddr>>()?;
    Some(ClientAddress(info.0.ip().to_canonical()))
}

#[cfg(target_family = "wasm")]
fn find(parts: &Parts) -> Option<ClientAddress> {
    parts.extensions.get().copied()
}
