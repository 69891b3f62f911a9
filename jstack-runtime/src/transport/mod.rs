//! The transport: from an upgrade request to a connection that reads and writes messages.

mod native;
pub(crate) mod negotiation;

pub(crate) use native::{Connection, ConnectionFuture, OnOpen, PendingConnection, raw};
