//! Origins: which web pages may call procedures.

mod origins;

pub(crate) use origins::{Decision, Secure};
pub use origins::{OriginError, Origins};
