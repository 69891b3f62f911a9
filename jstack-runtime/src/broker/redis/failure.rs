//! The errors of emits and joins that Redis did not take.

use http::StatusCode;

use crate::error::Error;

/// An emit failed.
pub(crate) fn publish_failed(why: &str) -> Error {
    metrics::counter!("jstack_broker_publish_failures_total").increment(1);
    unavailable(why)
}

/// A join failed, or an emit that was not counted as one.
pub(crate) fn unavailable(why: &str) -> Error {
    Error::with_code(StatusCode::SERVICE_UNAVAILABLE, "broker", format!("Redis: {why}"))
}
