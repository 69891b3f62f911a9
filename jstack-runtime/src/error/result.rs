//! The names that users write: `Result` and `BoxError`.

use super::Error;

/// The return type of a handler; `Result` alone is `Result<(), Error>`.
///
/// ```
/// use jstack_runtime::{Error, Result};
///
/// fn find(name: &str) -> Result<u32> {
///     if name == "general" { Ok(1) } else { Err(Error::not_found("no such room")) }
/// }
/// fn nothing() -> Result { Ok(()) }
/// # assert!(find("general").is_ok() && nothing().is_ok());
/// ```
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// Any error, as `main` and [`App::serve`](crate::App::serve) return it.
///
/// ```no_run
/// # use jstack_runtime::prelude::*;
/// #[jstack_runtime::main]
/// async fn main() -> Result<(), BoxError> {
///     let address = std::env::var("ADDRESS")?;
///     App::new().serve(address).await
/// }
/// ```
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
