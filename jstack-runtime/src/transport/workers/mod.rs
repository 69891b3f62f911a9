//! WebSockets on Workers: the runtime frames, pings and closes, and calls for each message.

mod connection;
mod inbox;
pub(super) mod liveness;
mod upgrade;

pub(crate) use connection::Connection;
pub(crate) use upgrade::{ClientHalf, ConnectionFuture, OnOpen, PendingConnection};
