//! Error types of the application.

use super::Error;

/// An error type of the application that chooses its status, code and message.
///
/// A handler that returns `Result<T, E>` with such an `E` answers with the error that it chooses. Without
/// this trait, every [`std::error::Error`] is a 500. In a handler that returns [`Error`], write
/// `.map_err(Failure::into_error)?`: a plain `?` converts all error types alike, to a 500.
///
/// ```
/// use jstack_runtime::{Error, Failure, Result};
/// # use std::fmt;
///
/// #[derive(Debug)] // `#[derive(thiserror::Error)]` writes the two impls that follow
/// enum PostError {
///     Missing(u32),
/// }
/// # impl fmt::Display for PostError {
/// #     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str("no such post") }
/// # }
/// # impl std::error::Error for PostError {}
///
/// impl Failure for PostError {
///     fn into_error(self) -> Error {
///         match self {
///             Self::Missing(id) => Error::not_found(format!("there is no post {id}")),
///         }
///     }
/// }
///
/// fn read(id: u32) -> Result<String, PostError> {
///     Err(PostError::Missing(id))
/// }
/// let error = read(7).map_err(Failure::into_error).unwrap_err();
/// assert_eq!((error.status().as_u16(), error.code()), (404, "not_found"));
/// ```
pub trait Failure: std::error::Error {
    /// The error that the client gets. The type's documentation has an example.
    fn into_error(self) -> Error;
}

#[cfg(feature = "server")]
/// A type that a handler may return as its error: everything that converts into [`Error`].
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "a handler cannot fail with `{Self}`",
    label = "`{Self}` does not turn into `jstack_runtime::Error`",
    note = "return `Error`: `?` makes one of every `std::error::Error`, `.map_err(Error::internal)` of a boxed or `anyhow` error, `Error::bad_request(…)` of a text",
    note = "a type of your own may also implement `std::error::Error` and `jstack_runtime::Failure`"
)]
pub trait IntoError {
    /// As the one error type.
    fn error(self) -> Error;
}

#[cfg(feature = "server")]
#[diagnostic::do_not_recommend]
impl<E: Into<Error>> IntoError for E {
    fn error(self) -> Error {
        self.into()
    }
}
