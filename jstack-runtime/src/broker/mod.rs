//! Brokers: every message of a room goes through one, also to members in the same process, so that all
//! members see one order.
//!
//! [`Memory`] serves one process and `Redis` (feature `redis`) many. For anything else, implement
//! [`Broker`]; the page "writing a broker" of the documentation explains what it must guarantee.
//!
//! ```
//! use jstack_runtime::{App, broker::Memory};
//!
//! let app: App = App::new().broker(Memory::new());
//! ```

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
