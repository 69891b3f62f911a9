//! Where Redis is, and one attempt to connect to it.

mod address;
mod backoff;
mod link;
mod log;
mod sentinel;
mod tcp;

pub(super) use address::Address;
#[cfg(feature = "redis-cluster")]
pub(super) use address::{Deployment, host_and_port};
pub(super) use backoff::Backoff;
pub(super) use link::{Connected, Link, is_reply};
pub(super) use log::ConnectionLog;
