//! Between processes: the one door that every message of a room goes through. The members in this
//! process are no exception, so that all members see one order.

#[allow(clippy::module_inception, reason = "a `mod.rs` only declares")]
mod broker;
mod memory;
pub(crate) mod message;
pub(crate) mod outcome;
#[cfg(feature = "redis")]
pub(crate) mod redis;

pub use broker::{Broker, Subscribe};
pub use memory::Memory;
pub use message::{Channel, Message, Scope, Sink};
pub use outcome::Publish;
#[cfg(feature = "redis")]
pub use redis::Redis;

#[cfg(feature = "redis")]
pub(crate) use outcome::Acknowledged;
pub(crate) use outcome::PublishOutcome;
