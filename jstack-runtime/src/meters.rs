//! Counters and gauges, by the `metrics` facade. `docs/metrics.md` lists names and units.
//!
//! Handles are resolved once: the recorder must be installed before the application is built.

use metrics::{Counter, Gauge, Histogram, Unit, counter, gauge, histogram};

use crate::close_reason::CloseReason;

/// The meters of one application.
pub(crate) struct Meters {
    /// Whether a recorder is installed; clocks are not read without one.
    pub(crate) timed: bool,
    pub(crate) connections: Gauge,
    pub(crate) accepted: Counter,
    pub(crate) refused: Refused,
    closed: [(&'static str, Counter); 9],
    pub(crate) queue_bytes: Histogram,
    pub(crate) gaps: Counter,
    /// Messages of rooms that were read from the history, because they did not arrive.
    pub(crate) repaired: Counter,
    shed_volatile: Counter,
    shed_latest: Counter,
    /// Answers that arrived after their question was cancelled.
    pub(crate) late_answers: Counter,
    pub(crate) publish_seconds: Histogram,
}

/// Refusals by reason.
pub(crate) struct Refused {
    pub(crate) connections: Counter,
    pub(crate) connections_per_ip: Counter,
    pub(crate) header_timeout: Counter,
    #[cfg(feature = "tls")]
    pub(crate) tls_timeout: Counter,
    pub(crate) origin: Counter,
    pub(crate) host: Counter,
    pub(crate) handshake: Counter,
    pub(crate) draining: Counter,
    pub(crate) rate: Counter,
}

/// The meters of one procedure.
pub(crate) struct ProcedureMeters {
    pub(crate) sockets: Gauge,
    pub(crate) opened: Counter,
    pub(crate) received: Counter,
    pub(crate) sent: Counter,
    pub(crate) invalid: Counter,
    pub(crate) requests: Counter,
    pub(crate) failed: Failed,
    pub(crate) handler_seconds: Histogram,
}

/// The meters of one procedure with presence.
pub(crate) struct PresenceMeters {
    pub(crate) members: Gauge,
    pub(crate) processes: Gauge,
    pub(crate) differences: Counter,
    pub(crate) asked: Counter,
    pub(crate) expired: Counter,
}

/// Failed runs by handler.
pub(crate) struct Failed {
    pub(crate) on: Counter,
    pub(crate) error: Counter,
    pub(crate) disconnect: Counter,
    pub(crate) function: Counter,
}

impl Meters {
    pub(crate) fn new() -> Self {
        describe();
        let refused = |reason: &'static str| counter!("jstack_refused_total", "reason" => reason);
        Self {
            // The recorder that records nothing has no size; it cannot be recognised in another way.
            timed: metrics::with_recorder(|recorder| size_of_val(recorder) > 0),
            connections: gauge!("jstack_connections"),
            accepted: counter!("jstack_accepted_total"),
            refused: Refused {
                connections: refused("connections"),
                connections_per_ip: refused("connections_per_ip"),
                header_timeout: refused("header_timeout"),
                #[cfg(feature = "tls")]
                tls_timeout: refused("tls_timeout"),
                origin: refused("origin"),
                host: refused("host"),
                handshake: refused("handshake"),
                draining: refused("draining"),
                rate: refused("rate"),
            },
            closed: CloseReason::LABELS
                .map(|reason| (reason, counter!("jstack_closed_total", "reason" => reason))),
            queue_bytes: histogram!("jstack_queue_bytes"),
            gaps: counter!("jstack_gaps_total"),
            repaired: counter!("jstack_repaired_total"),
            shed_volatile: counter!("jstack_shed_total", "class" => "volatile"),
            shed_latest: counter!("jstack_shed_total", "class" => "latest"),
            late_answers: counter!("jstack_late_answers_total"),
            publish_seconds: histogram!("jstack_publish_seconds"),
        }
    }

    /// Events that were dropped or replaced, by their class.
    pub(crate) fn shed(&self, is_volatile: bool) -> &Counter {
        if is_volatile { &self.shed_volatile } else { &self.shed_latest }
    }

    pub(crate) fn closed(&self, reason: &CloseReason) {
        let label = reason.label();
        if let Some((_, counter)) = self.closed.iter().find(|(name, _)| *name == label) {
            counter.increment(1);
        }
    }
}

impl ProcedureMeters {
    pub(crate) fn new(procedure: &str) -> Self {
        let name = || procedure.to_owned();
        let failed = |handler: &'static str| counter!("jstack_failed_total", "procedure" => name(), "handler" => handler);
        Self {
            sockets: gauge!("jstack_sockets", "procedure" => name()),
            opened: counter!("jstack_opened_total", "procedure" => name()),
            received: counter!("jstack_received_total", "procedure" => name()),
            sent: counter!("jstack_sent_total", "procedure" => name()),
            invalid: counter!("jstack_invalid_total", "procedure" => name()),
            requests: counter!("jstack_requests_total", "procedure" => name()),
            failed: Failed {
                on: failed("on"),
                error: failed("error"),
                disconnect: failed("disconnect"),
                function: failed("function"),
            },
            handler_seconds: histogram!("jstack_handler_seconds", "procedure" => name()),
        }
    }
}

impl PresenceMeters {
    pub(crate) fn new(procedure: &str) -> Self {
        describe_presence();
        let name = || procedure.to_owned();
        Self {
            members: gauge!("jstack_presence_members", "procedure" => name()),
            processes: gauge!("jstack_presence_processes", "procedure" => name()),
            differences: counter!("jstack_presence_differences_total", "procedure" => name()),
            asked: counter!("jstack_presence_asked_total", "procedure" => name()),
            expired: counter!("jstack_presence_expired_total", "procedure" => name()),
        }
    }

    /// How many members and other processes are known now.
    #[allow(clippy::cast_precision_loss, reason = "nobody has 2^53 members")]
    pub(crate) fn report(&self, members: usize, processes: usize) {
        self.members.set(members as f64);
        self.processes.set(processes as f64);
    }
}

fn describe_presence() {
    let count = Unit::Count;
    metrics::describe_gauge!(
        "jstack_presence_members",
        count,
        "members of all rooms, in every process, by procedure"
    );
    metrics::describe_gauge!(
        "jstack_presence_processes",
        count,
        "other processes whose members are known, by procedure"
    );
    metrics::describe_counter!(
        "jstack_presence_differences_total",
        count,
        "differences that were sent to watchers, by procedure"
    );
    metrics::describe_counter!(
        "jstack_presence_asked_total",
        count,
        "times that another process was asked for all its connections, by procedure"
    );
    metrics::describe_counter!(
        "jstack_presence_expired_total",
        count,
        "processes that were silent for too long, by procedure"
    );
}

fn describe() {
    let count = Unit::Count;
    metrics::describe_gauge!(
        "jstack_connections",
        count,
        "open TCP connections, and WebSockets that are streams of HTTP/2"
    );
    metrics::describe_counter!("jstack_accepted_total", count, "TCP connections that were let in");
    metrics::describe_counter!(
        "jstack_refused_total",
        count,
        "connections, requests and messages that were refused, by reason"
    );
    metrics::describe_counter!("jstack_closed_total", count, "WebSockets that ended, by reason");
    metrics::describe_gauge!("jstack_sockets", count, "open WebSockets, by procedure");
    metrics::describe_counter!(
        "jstack_opened_total",
        count,
        "WebSockets that were opened, by procedure"
    );
    metrics::describe_counter!(
        "jstack_received_total",
        count,
        "messages from clients, by procedure"
    );
    metrics::describe_counter!(
        "jstack_sent_total",
        count,
        "messages put on clients' queues, by procedure"
    );
    metrics::describe_counter!(
        "jstack_invalid_total",
        count,
        "messages from clients that did not decode or validate, by procedure"
    );
    metrics::describe_counter!(
        "jstack_failed_total",
        count,
        "runs of WebSocket handlers that returned an error, panicked or took too long, by procedure and handler"
    );
    metrics::describe_histogram!(
        "jstack_queue_bytes",
        Unit::Bytes,
        "bytes that wait for one reader, sampled once a second where any do"
    );
    metrics::describe_counter!(
        "jstack_requests_total",
        count,
        "events for which the client wants an answer, by procedure"
    );
    metrics::describe_counter!(
        "jstack_shed_total",
        count,
        "volatile events that were dropped, and latest ones that were replaced, by class"
    );
    metrics::describe_counter!(
        "jstack_late_answers_total",
        count,
        "answers of clients that came after the deadline, or to no question"
    );
    metrics::describe_counter!(
        "jstack_gaps_total",
        count,
        "times that messages between processes may have been lost"
    );
    metrics::describe_counter!(
        "jstack_repaired_total",
        count,
        "messages that did not arrive from another process and were read from the history"
    );
    metrics::describe_histogram!(
        "jstack_handler_seconds",
        Unit::Seconds,
        "time from a decoded message to the end of its handler, by procedure"
    );
    metrics::describe_histogram!(
        "jstack_publish_seconds",
        Unit::Seconds,
        "time that an emit takes until the broker has taken it"
    );
}
