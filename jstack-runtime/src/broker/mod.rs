//! Between processes: the one door that every message of a room goes through. The members in this
//! process are no exception, so that all members see one order.

#[allow(clippy::module_inception, reason = "a `mod.rs` only declares")]
mod broker;
mod memory;
#[cfg(target_family = "wasm")]
pub(crate) mod object;
pub(crate) mod outcome;
pub(crate) mod publication;
#[cfg(feature = "redis")]
pub(crate) mod redis;

pub use broker::{Broker, Subscribe};
pub use memory::Memory;
pub use outcome::Publish;
pub use publication::{Channel, Publication, Scope, Sink};
#[cfg(feature = "redis")]
pub use redis::Redis;

#[cfg(feature = "redis")]
pub(crate) use outcome::Acknowledged;
pub(crate) use outcome::PublishOutcome;
