//! The table of variables: one for each limit, and the others.

use std::time::Duration;

use super::values;
use crate::limits::Limits;

/// One field of the limits, and the meaning of zero; without one, zero is refused.
pub(super) enum Field<'a> {
    Count(&'a mut u32),
    /// Zero asks for the default.
    Descriptors(&'a mut u32),
    Bytes(&'a mut u32),
    Time(&'a mut Duration),
    /// Zero means at once.
    Spread(&'a mut Duration),
}

pub(super) fn fields(limits: &mut Limits) -> [(&'static str, Field<'_>); 19] {
    use Field::{Bytes, Count, Descriptors, Spread, Time};
    [
        ("MESSAGE_BYTES", Bytes(&mut limits.message_bytes)),
        ("JSON_DEPTH", Count(&mut limits.json_depth)),
        ("RATE", Count(&mut limits.rate)),
        ("BURST", Count(&mut limits.burst)),
        ("JOINS_PER_SECOND", Count(&mut limits.joins_per_second)),
        ("ROOMS_PER_SOCKET", Count(&mut limits.rooms_per_socket)),
        ("QUEUE_BYTES", Bytes(&mut limits.queue_bytes)),
        ("QUEUE_FRAMES", Count(&mut limits.queue_frames)),
        ("WRITE_TIMEOUT", Time(&mut limits.write_timeout)),
        ("CONNECTIONS", Descriptors(&mut limits.connections)),
        ("CONNECTIONS_PER_IP", Count(&mut limits.connections_per_ip)),
        ("HEADER_TIMEOUT", Time(&mut limits.header_timeout)),
        ("HANDSHAKE_TIMEOUT", Time(&mut limits.handshake_timeout)),
        ("HANDLER_TIMEOUT", Time(&mut limits.handler_timeout)),
        ("PING_INTERVAL", Time(&mut limits.ping_interval)),
        ("PONG_TIMEOUT", Time(&mut limits.pong_timeout)),
        ("BODY_BYTES", Bytes(&mut limits.body_bytes)),
        ("DRAIN_SPREAD", Spread(&mut limits.drain_spread)),
        ("DRAIN_DEADLINE", Time(&mut limits.drain_deadline)),
    ]
}

/// The variables that are not limits.
pub(super) const NON_LIMIT_VARIABLES: [&str; 13] = [
    "JSTACK_ADDRESS",
    "JSTACK_NAME",
    "JSTACK_ORIGINS",
    "JSTACK_ALLOW_HEADERS",
    "JSTACK_HOSTS",
    "JSTACK_TRUSTED_PROXIES",
    "JSTACK_ADMIN_TOKEN",
    "JSTACK_TLS_CERT",
    "JSTACK_TLS_KEY",
    "JSTACK_BROKER",
    "JSTACK_REDIS_PREFIX",
    "JSTACK_REDIS_DEADLINE",
    "JSTACK_REDIS_HEARTBEAT",
];

impl Field<'_> {
    pub(super) fn read(&mut self, text: &str) -> Result<(), &'static str> {
        match self {
            Self::Count(field) | Self::Descriptors(field) => **field = values::count(text)?,
            Self::Bytes(field) => **field = values::bytes(text)?,
            Self::Spread(field) | Self::Time(field) => **field = values::duration(text)?,
        }
        self.check()
    }

    /// Fails for a zero without a meaning, and says what to write instead.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Count(0) => {
                Err("a whole number from 1 on; no limit is `none`, in code `Limits::NONE`")
            }
            Self::Bytes(0) => Err(
                "a number of bytes from 1 on, as `64KiB`; no limit is `none`, in code `Limits::NONE`",
            ),
            Self::Time(time) if time.is_zero() => Err(values::LONGER),
            _ => Ok(()),
        }
    }

    pub(super) fn show(&self) -> String {
        match self {
            Self::Count(n) | Self::Bytes(n) | Self::Descriptors(n) if **n == Limits::NONE => {
                "none".into()
            }
            Self::Count(n) | Self::Bytes(n) | Self::Descriptors(n) => n.to_string(),
            Self::Time(time) | Self::Spread(time) => format!("{time:?}"),
        }
    }
}
