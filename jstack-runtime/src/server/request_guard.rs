//! The permits of a request, which it returns at its end.

use std::sync::Arc;

use crate::net::activity::ActiveRequest;
use crate::net::admission::{ConnectionPermits, Permit};

/// The permits of a request until it is answered.
pub(super) enum RequestGuard {
    ConnectionPermits(#[allow(dead_code, reason = "held for its drop")] ConnectionPermits),
    Request(
        #[allow(dead_code, reason = "held for its drop")] ActiveRequest,
        #[allow(dead_code, reason = "held for its drop")] Option<Arc<Permit>>,
    ),
}
