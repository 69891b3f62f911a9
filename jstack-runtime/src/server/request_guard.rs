//! What a request holds, and gives back by its end.

use std::sync::Arc;

use crate::net::activity::ActiveRequest;
use crate::net::admission::{ConnectionPermits, Permit};

/// What a request holds until it is answered.
pub(super) enum RequestGuard {
    ConnectionPermits(#[allow(dead_code, reason = "held for its drop")] ConnectionPermits),
    Request(
        #[allow(dead_code, reason = "held for its drop")] ActiveRequest,
        #[allow(dead_code, reason = "held for its drop")] Option<Arc<Permit>>,
    ),
}
