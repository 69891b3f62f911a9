//! The counters of the Redis broker. `docs/metrics.md` lists names and units.

use std::sync::LazyLock;

use metrics::{Counter, Unit, counter, describe_counter};

/// The counters of this process. Handles are resolved once, when a broker is first used: the
/// recorder must be installed before.
pub(crate) static COUNTERS: LazyLock<Counters> = LazyLock::new(Counters::new);

pub(crate) struct Counters {
    pub(crate) publish_failures: Counter,
    pub(crate) connections_lost: Counter,
    pub(crate) malformed: Counter,
    pub(crate) duplicates: Counter,
    pub(crate) dropped: Counter,
}

impl Counters {
    fn new() -> Self {
        let described = |name: &'static str, what: &'static str| {
            describe_counter!(name, Unit::Count, what);
            counter!(name)
        };
        Self {
            publish_failures: described(
                "jstack_broker_publish_failures_total",
                "emits that Redis did not take, or may not have taken",
            ),
            connections_lost: described(
                "jstack_broker_connections_lost_total",
                "open connections to Redis that were lost or given up",
            ),
            malformed: described(
                "jstack_broker_malformed_total",
                "payloads from Redis that were malformed and dropped",
            ),
            duplicates: described(
                "jstack_broker_duplicates_total",
                "messages from Redis that were there already and dropped",
            ),
            dropped: described(
                "jstack_broker_dropped_total",
                "messages from Redis that arrived faster than they were delivered and were dropped",
            ),
        }
    }
}
