//! The errors of emits and joins that Redis did not take.

use http::StatusCode;

use super::counters::COUNTERS;
use crate::error::Error;

/// The message for clients. The reason is for operators: it may name servers, users and settings.
const UNAVAILABLE: &str = "the message broker is unavailable";

/// An emit failed, for this reason.
pub(crate) fn publish_failed(why: &str) -> Error {
    COUNTERS.publish_failures.increment(1);
    unavailable(why)
}

/// A join failed, for this reason.
pub(crate) fn unavailable(why: &str) -> Error {
    Error::with_code(StatusCode::SERVICE_UNAVAILABLE, "broker", UNAVAILABLE)
        .with_source(format!("Redis: {why}"))
}

/// The reason, as a sentence for operators.
pub(crate) fn reason(error: &Error) -> String {
    error.cause().map_or_else(|| error.message().to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_read_nothing_about_the_servers() {
        let error = publish_failed("Sentinel 10.0.0.1:26379: Connection refused");
        assert_eq!((error.status().as_u16(), error.code()), (503, "broker"));
        assert_eq!(error.message(), "the message broker is unavailable");
        assert!(!error.to_string().contains("10.0.0.1"));
        assert_eq!(reason(&error), "Redis: Sentinel 10.0.0.1:26379: Connection refused");
    }
}
