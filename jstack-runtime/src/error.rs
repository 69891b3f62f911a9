//! The one error type of the crate, and how it travels to a client.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

use crate::observe;

/// What a handler returns; `Result` alone is `Result<(), Error>`.
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

/// One thing that is wrong with an input: the field, and what would be right.
///
/// ```
/// use jstack_runtime::Issue;
///
/// assert_eq!(Issue::new("author.name", "is too long").to_string(), "author.name: is too long");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Issue {
    /// The field, as `author.name` or `tags[2]`; empty for the value as a whole.
    pub path: String,
    /// What is wrong with it, or what it must be.
    pub message: String,
}

impl Issue {
    /// An issue with the field at `path`, as `author.name` or `tags[2]`; with an empty path, with the value as
    /// a whole.
    ///
    /// ```
    /// use jstack_runtime::{Error, Issue};
    ///
    /// let error = Error::invalid(vec![Issue::new("name", "is taken")]);
    /// assert_eq!(error.message(), "name: is taken");
    /// ```
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

/// An error with a status, a code, a message for the client and, for bad input, its issues.
///
/// Over HTTP it is the answer: `text/plain`, or a problem document if the client asks for one. Over a
/// WebSocket it is the `error` event. `?` turns every [`std::error::Error`] into a 500 whose cause is
/// logged and never sent.
///
/// ```
/// use jstack_runtime::Error;
///
/// let error = Error::conflict("that name is taken");
/// assert_eq!(error.status(), 409);
/// assert_eq!(error.code(), "conflict");
///
/// let hidden: Error = std::io::Error::other("disk /dev/sda1 is full").into();
/// assert_eq!(hidden.message(), "Internal Server Error");
/// ```
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    status: StatusCode,
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    issues: Vec<Issue>,
    source: Option<BoxError>,
    retry_after: Option<Duration>,
}

macro_rules! statuses {
    ($($name:ident $status:ident $code:literal $number:literal $meaning:literal;)*) => { $(
        #[doc = concat!($number, ": ", $meaning, ". Its code is `", $code, "`.")]
        ///
        /// ```
        /// # use jstack_runtime::Error;
        #[doc = concat!("let error = Error::", stringify!($name), "(\"what the client reads\");")]
        #[doc = concat!("assert_eq!((error.status().as_u16(), error.code()), (", $number, ", \"", $code, "\"));")]
        /// ```
        pub fn $name(message: impl Into<Cow<'static, str>>) -> Self {
            Self::with_code(StatusCode::$status, $code, message)
        }
    )* };
}

impl Error {
    statuses! {
        bad_request BAD_REQUEST "bad_request" 400 "the request cannot be understood";
        unauthorized UNAUTHORIZED "unauthorized" 401 "the caller has to identify itself";
        payment_required PAYMENT_REQUIRED "payment_required" 402 "a payment is needed first";
        forbidden FORBIDDEN "forbidden" 403 "the caller is known and lacks the permission";
        not_found NOT_FOUND "not_found" 404 "it does not exist";
        conflict CONFLICT "conflict" 409 "it conflicts with the current state";
        gone GONE "gone" 410 "it does not exist any more";
        payload_too_large PAYLOAD_TOO_LARGE "too_large" 413 "the request is longer than the limit";
        unsupported_media_type UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" 415 "the body has another type than expected";
        unprocessable UNPROCESSABLE_ENTITY "invalid" 422 "the input is readable and breaks a rule";
        too_many_requests TOO_MANY_REQUESTS "rate" 429 "too many requests in a short time";
        service_unavailable SERVICE_UNAVAILABLE "unavailable" 503 "temporarily unavailable; retry later";
    }

    /// An error with any status. Its code is the number of the status.
    ///
    /// ```
    /// # use jstack_runtime::Error;
    /// assert_eq!(Error::new(http::StatusCode::IM_A_TEAPOT, "short and stout").code(), "418");
    /// ```
    pub fn new(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self::with_code(status, status.as_str().to_owned(), message)
    }

    /// An error with a code of the application's own, which clients can match on.
    ///
    /// ```
    /// use jstack_runtime::Error;
    ///
    /// let error = Error::with_code(http::StatusCode::CONFLICT, "seat_taken", "seat 12A is taken");
    /// assert_eq!(error.code(), "seat_taken");
    /// ```
    pub fn with_code(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        let (code, message) = (code.into(), message.into());
        Self {
            inner: Box::new(Inner {
                status,
                code,
                message,
                issues: Vec::new(),
                source: None,
                retry_after: None,
            }),
        }
    }

    /// A 500. The cause is logged; the client reads `Internal Server Error`.
    ///
    /// ```
    /// use jstack_runtime::Error;
    ///
    /// let error = Error::internal("the disk is full");
    /// assert_eq!(error.message(), "Internal Server Error");
    /// assert_eq!(error.cause().unwrap().to_string(), "the disk is full");
    /// ```
    pub fn internal(cause: impl Into<BoxError>) -> Self {
        let mut error =
            Self::with_code(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal Server Error");
        error.inner.source = Some(cause.into());
        error
    }

    /// A 422 for an input that breaks the rules named by `issues`.
    ///
    /// ```
    /// use jstack_runtime::{Error, Issue};
    ///
    /// let error = Error::invalid(vec![Issue::new("age", "must be at least 18")]);
    /// assert_eq!((error.status().as_u16(), error.message()), (422, "age: must be at least 18"));
    /// ```
    pub fn invalid(issues: Vec<Issue>) -> Self {
        let mut error = Self::unprocessable(sentence(&issues));
        error.inner.issues = issues;
        error
    }

    /// Replaces the issues of single fields.
    ///
    /// ```
    /// use jstack_runtime::{Error, Issue};
    ///
    /// let error = Error::conflict("already there").with_issues(vec![Issue::new("name", "is taken")]);
    /// assert_eq!(error.issues()[0].path, "name");
    /// ```
    #[must_use]
    pub fn with_issues(mut self, issues: Vec<Issue>) -> Self {
        self.inner.issues = issues;
        self
    }

    /// Adds the cause, which is logged and never sent.
    ///
    /// ```
    /// use jstack_runtime::Error;
    ///
    /// let timeout = std::io::Error::other("connection timed out");
    /// let error = Error::service_unavailable("try again later").with_source(timeout);
    /// assert_eq!(error.message(), "try again later");
    /// ```
    #[must_use]
    pub fn with_source(mut self, cause: impl Into<BoxError>) -> Self {
        self.inner.source = Some(cause.into());
        self
    }

    /// Sets the time after which another try makes sense.
    ///
    /// An HTTP answer has it as `Retry-After`, in whole seconds, rounded up. A client of the profile
    /// `v1` reads it in ms, as `after`: in the answer to its request, and in `$bye` where `#[connect]`
    /// or an extractor refuses it. After that time it connects again, unless the refusal is final. The
    /// `error` event does not carry it.
    ///
    /// ```
    /// # use jstack_runtime::Error;
    /// use axum::response::IntoResponse;
    ///
    /// let busy = Error::service_unavailable("busy").retry_after(std::time::Duration::from_millis(1500));
    /// assert_eq!(busy.into_response().headers()["retry-after"], "2");
    /// ```
    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.inner.retry_after = Some(after);
        self
    }

    /// The time after which another try makes sense, if it is known: set by
    /// [`retry_after`](Self::retry_after), or by a server's answer to the Rust client.
    ///
    /// ```
    /// # use jstack_runtime::Error;
    /// use std::time::Duration;
    ///
    /// let busy = Error::too_many_requests("wait a moment").retry_after(Duration::from_secs(2));
    /// assert_eq!(busy.retry_delay(), Some(Duration::from_secs(2)));
    /// assert_eq!(Error::not_found("no such room").retry_delay(), None);
    /// ```
    pub fn retry_delay(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// The HTTP status.
    ///
    /// ```
    /// # use jstack_runtime::Error;
    /// assert_eq!(Error::not_found("no such post").status(), 404);
    /// ```
    pub fn status(&self) -> StatusCode {
        self.inner.status
    }

    /// The machine-readable code, `not_found` for example.
    ///
    /// ```
    /// # use jstack_runtime::Error;
    /// assert_eq!(Error::not_found("no such post").code(), "not_found");
    /// ```
    pub fn code(&self) -> &str {
        &self.inner.code
    }

    /// The sentence that the client reads.
    ///
    /// ```
    /// # use jstack_runtime::Error;
    /// assert_eq!(Error::not_found("no such post").message(), "no such post");
    /// ```
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// What is wrong with single fields; empty unless the input was at fault.
    ///
    /// ```
    /// # use jstack_runtime::{Error, Issue};
    /// assert!(Error::not_found("no such post").issues().is_empty());
    /// assert_eq!(Error::invalid(vec![Issue::new("name", "is too long")]).issues().len(), 1);
    /// ```
    pub fn issues(&self) -> &[Issue] {
        &self.inner.issues
    }

    /// The cause, which is for the log alone; `None` if there is none.
    ///
    /// ```
    /// # use jstack_runtime::Error;
    /// let error = Error::from(std::io::Error::other("disk full"));
    /// assert_eq!(error.cause().unwrap().to_string(), "disk full");
    /// ```
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync + 'static)> {
        self.inner.source.as_deref()
    }

    /// Logs the cause of a server-side failure, which the client does not get.
    pub(crate) fn log(&self, procedure: &str) {
        if !self.status().is_server_error() {
            return;
        }
        match self.cause() {
            Some(cause) => {
                observe::error!(procedure, code = self.code(), cause = ?cause.to_string(), "handler failed");
            }
            None => {
                observe::error!(procedure, code = self.code(), message = ?self.message(), "handler failed");
            }
        }
    }
}

/// The issues as one line, which a stock client shows as its exception's message.
fn sentence(issues: &[Issue]) -> String {
    issues.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Error {
    fn from(cause: E) -> Self {
        Self::internal(cause)
    }
}

/// The cause is never changed, so a panic cannot leave it half written.
impl std::panic::UnwindSafe for Error {}
impl std::panic::RefUnwindSafe for Error {}

/// An [`Error`] as a standard error, so that `main` may use `?` on emits.
#[derive(Debug)]
struct Boxed(Error);

impl fmt::Display for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Boxed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause().map(|cause| cause as _)
    }
}

impl From<Error> for BoxError {
    fn from(error: Error) -> Self {
        Box::new(Boxed(error))
    }
}

impl From<Error> for Box<dyn std::error::Error> {
    fn from(error: Error) -> Self {
        Box::new(Boxed(error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("status", &self.inner.status)
            .field("code", &self.inner.code)
            .field("message", &self.inner.message)
            .field("issues", &self.inner.issues)
            .field("cause", &self.inner.source)
            .finish()
    }
}

/// What [`Error::into_response`] leaves in the response's extensions, so that the answer can be
/// rewritten as a problem document for a client that accepts one.
#[derive(Clone)]
pub(crate) struct ErrorBody {
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: Cow<'static, str>,
    pub(crate) issues: Vec<Issue>,
    pub(crate) retry_after: Option<Duration>,
}

/// The cause of a failure on its way to the log.
#[derive(Clone)]
pub(crate) struct Cause(pub(crate) Arc<str>);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let Inner { status, code, message, issues, source, retry_after } = *self.inner;
        let mut response = Response::new(message.clone().into_owned().into());
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if let Some(after) = retry_after {
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(cause) = source {
            response.extensions_mut().insert(Cause(cause.to_string().into()));
        }
        response.extensions_mut().insert(ErrorBody { code, message, issues, retry_after });
        response
    }
}

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

/// What a handler may return as its error: everything that converts into [`Error`].
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

#[diagnostic::do_not_recommend]
impl<E: Into<Error>> IntoError for E {
    fn error(self) -> Error {
        self.into()
    }
}
