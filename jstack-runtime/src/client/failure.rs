//! Errors that the client itself gives, and those that a server sends.

use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;

use crate::error::{Error, Issue};

/// The same again may succeed.
const RETRYABLE: &[&str] =
    &["timeout", "lost", "connect", "overflow", "rate", "unavailable", "broker"];

/// Whether the same again may succeed. After `lost` it is not known whether the server did it.
pub(super) fn is_retryable(error: &Error) -> bool {
    RETRYABLE.contains(&error.code())
}

fn error(status: StatusCode, code: &'static str, message: impl Into<String>) -> Error {
    Error::with_code(status, code, message.into())
}

/// No connection came about.
pub(super) fn connect(message: impl Into<String>) -> Error {
    error(StatusCode::BAD_GATEWAY, "connect", message)
}

/// The connection was lost before the answer.
pub(super) fn lost(message: impl Into<String>) -> Error {
    error(StatusCode::BAD_GATEWAY, "lost", message)
}

/// No answer in time.
pub(super) fn timeout(message: impl Into<String>) -> Error {
    error(StatusCode::GATEWAY_TIMEOUT, "timeout", message)
}

/// The socket was closed.
pub(super) fn closed() -> Error {
    error(StatusCode::GONE, "closed", "the socket is closed")
}

/// The other side does not know how.
pub(super) fn unsupported(message: impl Into<String>) -> Error {
    error(StatusCode::NOT_IMPLEMENTED, "unsupported", message)
}

/// Not a frame, or not JSON.
pub(super) fn malformed(message: impl Into<String>) -> Error {
    error(StatusCode::BAD_GATEWAY, "malformed", message)
}

/// What waits to be sent is too much.
pub(super) fn overflow(event: &str) -> Error {
    let message = format!("`{event}` was not sent: too many events wait for a connection");
    error(StatusCode::SERVICE_UNAVAILABLE, "overflow", message)
}

/// It waited for too long.
pub(super) fn expired(event: &str) -> Error {
    let message = format!("`{event}` was not sent: it waited for a connection for too long");
    error(StatusCode::SERVICE_UNAVAILABLE, "expired", message)
}

/// Longer than the server takes.
pub(super) fn too_large(event: &str, most: usize) -> Error {
    let message = format!("`{event}` was not sent: the server takes {most} bytes a message");
    error(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
}

/// The same error for another who waits; what caused it stays with the first.
pub(super) fn copy(error: &Error) -> Error {
    let copy =
        Error::with_code(error.status(), error.code().to_owned(), error.message().to_owned())
            .with_issues(error.issues().to_vec());
    match error.retry_delay() {
        Some(after) => copy.retry_after(after),
        None => copy,
    }
}

/// What `$err`, `$bye`, the event `error` and a problem document carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Refusal {
    pub(super) event: Option<String>,
    pub(super) code: Option<String>,
    #[serde(alias = "detail")]
    pub(super) message: Option<String>,
    #[serde(alias = "errors")]
    pub(super) issues: Vec<Issue>,
    pub(super) status: Option<u16>,
    pub(super) retry: Option<bool>,
    /// When to come back, in ms.
    pub(super) after: Option<f64>,
}

impl Refusal {
    pub(super) fn error(&self) -> Error {
        let code = self.code.clone().unwrap_or_else(|| "failed".to_owned());
        let message = self.message.clone().unwrap_or_else(|| "refused".to_owned());
        let status = self.status.and_then(|status| StatusCode::from_u16(status).ok());
        // A frame of the base profile has no status: the code names one where it is ours.
        let status = status.unwrap_or_else(|| status_of(&code));
        let error = Error::with_code(status, code, message).with_issues(self.issues.clone());
        match self.after {
            Some(after) => error.retry_after(millis(after)),
            None => error,
        }
    }
}

/// The status that goes with a code of the server's own.
fn status_of(code: &str) -> StatusCode {
    match code {
        "bad_request" | "malformed" => StatusCode::BAD_REQUEST,
        "unauthorized" => StatusCode::UNAUTHORIZED,
        "forbidden" => StatusCode::FORBIDDEN,
        "not_found" | "unknown_event" => StatusCode::NOT_FOUND,
        "conflict" => StatusCode::CONFLICT,
        "gone" => StatusCode::GONE,
        "too_large" => StatusCode::PAYLOAD_TOO_LARGE,
        "invalid" => StatusCode::UNPROCESSABLE_ENTITY,
        "rate" => StatusCode::TOO_MANY_REQUESTS,
        "internal" => StatusCode::INTERNAL_SERVER_ERROR,
        "unavailable" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_GATEWAY,
    }
}

/// A number of milliseconds from a server, which may be anything.
pub(super) fn millis(ms: f64) -> Duration {
    const MOST: f64 = 24.0 * 3600.0 * 1000.0;
    Duration::from_secs_f64(if ms.is_finite() { ms.clamp(0.0, MOST) / 1000.0 } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_from_a_server_are_bounded() {
        assert_eq!(millis(f64::NAN), Duration::ZERO);
        assert_eq!(millis(-1.0), Duration::ZERO);
        assert_eq!(millis(1500.0), Duration::from_millis(1500));
        assert_eq!(millis(f64::MAX), Duration::from_hours(24));
    }
}
