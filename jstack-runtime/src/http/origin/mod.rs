//! Origins and hosts: which web pages may call procedures, and under which names.

mod hosts;
#[allow(clippy::module_inception, reason = "a `mod.rs` only declares")]
mod origin;
mod origins;
mod pattern;

pub(crate) use hosts::{Hosts, is_private};
pub use origins::Origins;
pub(crate) use origins::{Decision, Secure};
pub use pattern::OriginError;
