//! What is measured.

/// How a result reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Deliveries per server CPU second.
    Deliveries,
    /// KiB a connection, and connections set up per CPU second.
    Idle,
    /// What a reader that stopped does to the others.
    Stalled,
}

#[derive(Clone, Copy)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// For the load generator.
    pub(crate) load: &'static str,
    pub(crate) measure: Measure,
    /// Two processes joined by Redis.
    pub(crate) redis: bool,
    /// What our own server is to reach, as a ratio to the limit.
    pub(crate) target: Option<f64>,
    /// The dialect of the load generator, where it is not the peer's.
    pub(crate) dialect: Option<&'static str>,
}

const fn row(name: &'static str, title: &'static str, load: &'static str) -> Scenario {
    Scenario {
        name,
        title,
        load,
        measure: Measure::Deliveries,
        redis: false,
        target: None,
        dialect: None,
    }
}

const fn target(scenario: Scenario, target: f64) -> Scenario {
    Scenario { target: Some(target), ..scenario }
}

const fn redis(scenario: Scenario) -> Scenario {
    Scenario { redis: true, ..scenario }
}

const fn spoken(scenario: Scenario, dialect: &'static str) -> Scenario {
    Scenario { dialect: Some(dialect), ..scenario }
}

const fn measured(scenario: Scenario, measure: Measure) -> Scenario {
    Scenario { measure, ..scenario }
}

/// What our own server's idle connection may take, in KiB.
pub(crate) const IDLE_TARGET: f64 = 4.0;

/// The run beside `stalled` in which everybody reads.
pub(crate) const ALL_READ: Scenario = row(
    "all-read",
    "room of 1000, 8 in flight, 1 KB, everybody reads",
    "chat --connections 1000 --publish one --window 8 --payload 1000",
);

/// In the order in which they are run and printed.
pub(crate) const ALL: [Scenario; 14] = [
    target(
        row("echo", "echo, 200 clients, 1 in flight", "chat --connections 200 --rooms 200"),
        0.90,
    ),
    target(
        row("echo-16", "echo, 16 in flight", "chat --connections 200 --rooms 200 --window 16"),
        0.85,
    ),
    target(row("room-10", "room of 10", "chat --connections 10 --publish one"), 0.93),
    target(row("room-100", "room of 100", "chat --connections 100 --publish one"), 0.93),
    target(
        row(
            "room-100-8",
            "room of 100, 8 in flight",
            "chat --connections 100 --publish one --window 8",
        ),
        0.90,
    ),
    target(row("room-1000", "room of 1000", "chat --connections 1000 --publish one"), 0.93),
    target(
        row(
            "room-1000-8",
            "room of 1000, 8 in flight",
            "chat --connections 1000 --publish one --window 8",
        ),
        0.90,
    ),
    target(
        row("rooms", "100 rooms of 10, all publish", "chat --connections 1000 --rooms 100"),
        0.93,
    ),
    target(
        redis(row(
            "redis",
            "two processes and Redis, room of 100",
            "chat --connections 101 --publish one",
        )),
        0.90,
    ),
    target(
        redis(row(
            "redis-8",
            "the same, 8 in flight",
            "chat --connections 101 --publish one --window 8",
        )),
        0.80,
    ),
    target(row("get", "GET returning small JSON", "get --connections 64"), 0.80),
    target(
        measured(
            row("idle", "connections set up per CPU second", "idle --rooms 100"),
            Measure::Idle,
        ),
        0.60,
    ),
    measured(
        row(
            "stalled",
            "room of 1000, 8 in flight, 1 KB, one more stops reading",
            "chat --connections 1000 --publish one --window 8 --payload 1000 --stalled 1",
        ),
        Measure::Stalled,
    ),
    row("room-10-8", "room of 10, 8 in flight", "chat --connections 10 --publish one --window 8"),
];

/// What the profile `v1` costs: scenarios of our own server, each beside one of the base profile.
pub(crate) const V1: [(Scenario, &str); 5] = [
    (
        spoken(
            row(
                "v1-echo-16",
                "echo, 16 in flight, profile v1",
                "chat --connections 200 --rooms 200 --window 16",
            ),
            "v1",
        ),
        "echo-16",
    ),
    (
        spoken(
            row(
                "v1-request-16",
                "requests with replies, 16 in flight",
                "chat --connections 200 --rooms 200 --window 16",
            ),
            "request",
        ),
        "echo-16",
    ),
    (
        spoken(
            row(
                "v1-request",
                "requests with replies, 1 in flight",
                "chat --connections 200 --rooms 200",
            ),
            "request",
        ),
        "echo",
    ),
    (
        spoken(
            row(
                "v1-half",
                "room of 1000, half of them v1",
                "chat --connections 1000 --publish one",
            ),
            "half",
        ),
        "room-1000",
    ),
    (
        spoken(
            row(
                "v1-half-8",
                "the same, 8 in flight",
                "chat --connections 1000 --publish one --window 8",
            ),
            "half",
        ),
        "room-1000-8",
    ),
];

/// What two workers are measured with.
pub(crate) const WORKERS: [&str; 4] = ["echo-16", "room-100-8", "room-1000", "rooms"];

/// The scenario of that name.
pub(crate) fn named(name: &str) -> Option<&'static Scenario> {
    ALL.iter().chain(V1.iter().map(|(scenario, _)| scenario)).find(|scenario| scenario.name == name)
}
