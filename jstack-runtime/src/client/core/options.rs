//! What a socket may take, and how long it waits.

use std::time::Duration;

/// The options of [`Dial`](crate::client::Dial), with their values where nothing is set.
#[derive(Clone, Debug)]
pub(in crate::client) struct Options {
    pub(in crate::client) base_only: bool,
    pub(in crate::client) connect_timeout: Duration,
    pub(in crate::client) request_timeout: Duration,
    /// The longest delay before the first attempt to come back, and before any.
    pub(in crate::client) backoff: (Duration, Duration),
    /// Silence before a ping, or that is added to the server's own; and before it is given up.
    pub(in crate::client) heartbeat: (Duration, Duration),
    pub(in crate::client) queue: (usize, Duration),
    /// Tokens can be asked for.
    pub(in crate::client) renews: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            base_only: false,
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(10),
            backoff: (Duration::from_millis(500), Duration::from_secs(20)),
            heartbeat: (Duration::from_secs(25), Duration::from_secs(15)),
            queue: (100, Duration::from_secs(30)),
            renews: false,
        }
    }
}
