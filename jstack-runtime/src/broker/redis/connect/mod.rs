//! Where Redis is, and one attempt to connect to it.

mod address;
mod backoff;
mod link;

pub(super) use address::Address;
#[cfg(feature = "redis-cluster")]
pub(super) use address::Deployment;
pub(super) use backoff::Backoff;
pub(super) use link::{Connected, Link};
