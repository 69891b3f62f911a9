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
#[cfg(feature = "server")]
mod broker;
#[cfg(any(feature = "redis", all(feature = "upstash", target_family = "wasm")))]
pub(crate) mod format;
#[cfg(feature = "server")]
mod memory;
#[cfg(all(feature = "server", target_family = "wasm"))]
pub(crate) mod object;
pub(crate) mod outcome;
#[cfg(feature = "server")]
pub(crate) mod publication;
#[cfg(feature = "redis")]
pub(crate) mod redis;
#[cfg(all(feature = "server", any(all(feature = "upstash", target_family = "wasm"), test)))]
pub(crate) mod rest;

#[cfg(feature = "server")]
pub use broker::{Broker, Subscribe};
#[cfg(feature = "server")]
pub use memory::Memory;
#[cfg(feature = "server")]
pub use outcome::Publish;
#[cfg(feature = "server")]
pub use publication::{Channel, Publication, Scope, Sink};
#[cfg(feature = "redis")]
pub use redis::Redis;

#[cfg(feature = "redis")]
pub(crate) use outcome::Acknowledged;
pub(crate) use outcome::PublishOutcome;
