//! The error type of the crate, and what it becomes for a client.

mod convert;
#[allow(clippy::module_inception, reason = "a `mod.rs` only declares")]
mod error;
mod failure;
mod issue;
#[cfg(feature = "server")]
mod response;
mod result;

pub use error::Error;
pub use failure::Failure;
pub use issue::Issue;
pub use result::{BoxError, Result};

#[cfg(feature = "server")]
pub(crate) use failure::IntoError;
#[cfg(feature = "server")]
pub(crate) use response::{Cause, ErrorBody};
