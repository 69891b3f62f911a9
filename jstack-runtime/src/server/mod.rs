//! The server: the accept loop, connections, health checks, and the drain at the end.

mod accept;
mod answer;
mod body;
mod connection;
mod drain;
mod health;
#[cfg(feature = "client")]
mod memory;
mod refusal;
mod request_guard;
mod respond;
mod shared;
mod signals;
mod streams;
#[cfg(feature = "tls")]
mod tls;

pub(crate) use accept::{Drained, Start, serve};
#[cfg(feature = "client")]
pub(crate) use memory::InMemory;
pub(crate) use signals::Signals;
#[cfg(feature = "tls")]
pub(crate) use tls::Identity;
