//! Origins and hosts: which web pages may call procedures, and under which names.

mod hosts;
mod origins;

pub(crate) use hosts::{Hosts, is_private};
pub(crate) use origins::{Decision, Secure};
pub use origins::{OriginError, Origins};
