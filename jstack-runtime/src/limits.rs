//! `Limits`: the resources that one client, and all clients together, may use.

use std::time::Duration;

/// The resources that one client, and all clients together, may use.
///
/// Every field is also an environment variable, `JSTACK_` and its name in capitals:
/// `JSTACK_MESSAGE_BYTES=1MiB`, `JSTACK_RATE=50`, `JSTACK_PING_INTERVAL=10s`. Durations are
/// written as `10s`, `250ms`, `2m` or a number of seconds, bytes as a number or with `KiB` or
/// `MiB`. "No limit" is `none`, and [`Limits::NONE`] in code. A zero is refused unless the field
/// says what it means. [`App::limits`](crate::App::limits) replaces all variables of limits;
/// without it, each variable sets its field. A value that cannot be read is an error at start.
///
/// ```
/// use jstack_runtime::Limits;
///
/// let limits = Limits { message_bytes: 1 << 20, ..Limits::default() };
/// assert_eq!(limits.rate, 100);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest message from a client, in bytes; a longer one closes with 1009. 64 KiB.
    pub message_bytes: u32,
    /// How deep a client's JSON may nest. 64.
    pub json_depth: u32,
    /// Messages a second from one connection. Beyond it the client gets the error `rate`; at ten
    /// times the rate the connection is closed with 1008. 100.
    pub rate: u32,
    /// Messages that may come at once before [`rate`](Self::rate) applies. 200.
    pub burst: u32,
    /// Rooms that one connection may join in a second. 20.
    pub joins_per_second: u32,
    /// Rooms that one connection may be in. 128.
    pub rooms_per_socket: u32,
    /// Bytes that may wait for one reader; more closes it with 1013. 1 MiB.
    pub queue_bytes: u32,
    /// Messages that may wait for one reader; more close it with 1013. 1024.
    pub queue_frames: u32,
    /// How long a reader may take nothing while something waits for it. 10 s.
    pub write_timeout: Duration,
    /// Connections of all clients; another one gets a 503. 0 means 90 % of the descriptors that the process may
    /// open, and at least 32 fewer than these.
    pub connections: u32,
    /// Connections from one address. 100.
    pub connections_per_ip: u32,
    /// How long the head of a request may take. 5 s.
    pub header_timeout: Duration,
    /// How long a WebSocket's handshake, extractors and `#[connect]` may take. 10 s.
    pub handshake_timeout: Duration,
    /// How long a handler may take before it is cancelled. 30 s.
    pub handler_timeout: Duration,
    /// Silence of a client after which the server sends a ping. 25 s.
    pub ping_interval: Duration,
    /// How long a client may take to answer a ping before it is disconnected. 10 s.
    pub pong_timeout: Duration,
    /// The longest body of a request, in bytes. 1 MiB.
    pub body_bytes: u32,
    /// The time over which a shutdown spreads its closes; zero is at once. 10 s.
    pub drain_spread: Duration,
    /// The longest time that a shutdown takes. 30 s.
    pub drain_deadline: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 64 * 1024,
            json_depth: 64,
            rate: 100,
            burst: 200,
            joins_per_second: 20,
            rooms_per_socket: 128,
            queue_bytes: 1024 * 1024,
            queue_frames: 1024,
            write_timeout: Duration::from_secs(10),
            connections: 0,
            connections_per_ip: 100,
            header_timeout: Duration::from_secs(5),
            handshake_timeout: Duration::from_secs(10),
            handler_timeout: Duration::from_secs(30),
            ping_interval: Duration::from_secs(25),
            pong_timeout: Duration::from_secs(10),
            body_bytes: 1024 * 1024,
            drain_spread: Duration::from_secs(10),
            drain_deadline: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// No limit, where a limit is a number.
    ///
    /// ```
    /// use jstack_runtime::Limits;
    ///
    /// let limits = Limits { rate: Limits::NONE, ..Limits::default() };
    /// ```
    pub const NONE: u32 = u32::MAX;
}

/// A limit as a size; the largest size for no limit.
pub(crate) fn or_none(limit: u32) -> usize {
    match limit {
        Limits::NONE => usize::MAX,
        limit => limit as usize,
    }
}

/// The name of an application without a name.
pub(crate) const DEFAULT_NAME: &str = "jstack";
