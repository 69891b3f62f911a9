//! Waiting for a moment that may not be set.

use std::time::Instant;

/// Waits until `deadline`, or for ever without one.
pub(crate) async fn sleep_until_opt(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
