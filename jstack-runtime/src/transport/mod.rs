//! The transport: from an upgrade request to a connection that reads and writes messages.
//!
//! Each target has its own, with the same names.

#[cfg(not(target_family = "wasm"))]
mod native;
pub(crate) mod negotiation;
mod opening;
mod sending;
mod watch;
#[cfg(target_family = "wasm")]
mod workers;

#[cfg(not(target_family = "wasm"))]
use native::liveness;
#[cfg(not(target_family = "wasm"))]
pub(crate) use native::{Connection, ConnectionFuture, OnOpen, PendingConnection, raw};
#[cfg(target_family = "wasm")]
use workers::liveness;
#[cfg(target_family = "wasm")]
pub(crate) use workers::{ClientHalf, Connection, ConnectionFuture, OnOpen, PendingConnection};
