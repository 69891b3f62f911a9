//! The server: the accept loop, connections, health checks, and the drain at the end.

mod accept;
mod body;
mod connection;
mod drain;
mod health;
mod proxies;
mod refusal;
mod shared;
#[cfg(feature = "tls")]
mod tls;

pub(crate) use accept::{Start, serve, signal};
pub(crate) use proxies::Proxies;
#[cfg(feature = "tls")]
pub(crate) use tls::Identity;
