//! WebSockets on Workers, which are not there yet: a request for one is answered with 501.

mod connection;
mod upgrade;

pub(crate) use connection::Connection;
pub(crate) use upgrade::{ConnectionFuture, OnOpen, PendingConnection};
