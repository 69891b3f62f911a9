//! WebSockets over TCP, TLS and HTTP/2, on tokio and hyper.

pub(super) mod liveness;
pub(crate) mod raw;
mod reader;
mod upgrade;

pub(crate) use reader::Connection;
pub(crate) use upgrade::{ConnectionFuture, OnOpen, PendingConnection};
