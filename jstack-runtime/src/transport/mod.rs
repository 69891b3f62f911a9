//! The transport: from an upgrade request to a connection that reads and writes messages.
//!
//! Each target has its own, with the same names.

#[cfg(not(target_family = "wasm"))]
mod native;
pub(crate) mod negotiation;
mod sending;
#[cfg(target_family = "wasm")]
mod workers;

#[cfg(not(target_family = "wasm"))]
pub(crate) use native::{Connection, ConnectionFuture, OnOpen, PendingConnection, raw};
#[cfg(target_family = "wasm")]
pub(crate) use workers::{Connection, ConnectionFuture, OnOpen, PendingConnection};
