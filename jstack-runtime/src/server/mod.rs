//! The server: the accept loop, connections, health checks, and the drain at the end.

mod accept;
mod body;
mod connection;
mod drain;
mod health;
mod proxies;
mod refusal;
mod shared;
mod signals;
#[cfg(feature = "tls")]
mod tls;

pub(crate) use accept::{Drained, Start, serve};
pub(crate) use proxies::Proxies;
pub(crate) use signals::Signals;
#[cfg(feature = "tls")]
pub(crate) use tls::Identity;
