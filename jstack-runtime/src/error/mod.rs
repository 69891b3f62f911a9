//! The error type of the crate, and what it becomes for a client.

mod convert;
#[allow(clippy::module_inception, reason = "a `mod.rs` only declares")]
mod error;
mod failure;
mod issue;
mod response;
mod result;

pub use error::Error;
pub use failure::Failure;
pub use issue::Issue;
pub use result::{BoxError, Result};

pub(crate) use failure::IntoError;
pub(crate) use response::{Cause, ErrorBody};
