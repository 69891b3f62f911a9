//! `Error`: a status, a code, a message for the client, issues and a cause.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::StatusCode;

use super::{BoxError, Issue};
#[cfg(feature = "server")]
use crate::observe;

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
    pub(super) inner: Box<Inner>,
}

pub(super) struct Inner {
    pub(super) status: StatusCode,
    pub(super) code: Cow<'static, str>,
    pub(super) message: Cow<'static, str>,
    pub(super) issues: Vec<Issue>,
    pub(super) source: Option<BoxError>,
    pub(super) retry_after: Option<Duration>,
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
    /// An HTTP answer has it as `Retry-After`, in whole seconds, rounded up. A client of the
    /// profile `v1` gets it in ms, as `after`: in the answer to its request, or in `$bye` if
    /// `#[connect]` or an extractor refuses it. After that time it connects again, unless the
    /// refusal is final. The `error` event does not carry it.
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

    /// The problems of single fields; empty unless the input was at fault.
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
    #[cfg(feature = "server")]
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
