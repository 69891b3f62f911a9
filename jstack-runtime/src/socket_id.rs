//! `SocketId`: the id of one connection.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The id of one connection, unique in all processes that share the broker.
///
/// It is written as 32 hexadecimal digits. Knowing some ids does not help to guess others.
///
/// ```
/// use jstack_runtime::SocketId;
///
/// let id: SocketId = "00000000000000010000000000000002".parse().unwrap();
/// assert_eq!(id.to_string(), "00000000000000010000000000000002");
/// assert!("2".parse::<SocketId>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SocketId {
    /// A random number for each process.
    pub(crate) node: u64,
    /// A counter within the process, scrambled so that knowing some ids does not help to guess others.
    pub(crate) local: u64,
}

impl fmt::Display for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}{:016x}", self.node, self.local)
    }
}

impl fmt::Debug for SocketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SocketId({self})")
    }
}

impl std::str::FromStr for SocketId {
    type Err = ParseSocketIdError;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        let half = |range| {
            text.get(range)
                .filter(|half: &&str| half.bytes().all(|b| b.is_ascii_hexdigit()))
                .and_then(|half| u64::from_str_radix(half, 16).ok())
        };
        match (text.len(), half(0..16), half(16..32)) {
            (32, Some(node), Some(local)) => Ok(Self { node, local }),
            _ => Err(ParseSocketIdError),
        }
    }
}

/// The error for a text that is not a [`SocketId`].
///
/// ```
/// use jstack_runtime::{ParseSocketIdError, SocketId};
///
/// assert_eq!("2".parse::<SocketId>(), Err(ParseSocketIdError));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseSocketIdError;

impl fmt::Display for ParseSocketIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a socket id is 32 hexadecimal digits")
    }
}

impl std::error::Error for ParseSocketIdError {}

impl Serialize for SocketId {
    fn serialize<S: serde::Serializer>(
        &self,
        serializer: S,
    ) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SocketId {
    fn deserialize<D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> std::result::Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for SocketId {
    fn schema_name() -> Cow<'static, str> {
        "SocketId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-f]{32}$" })
    }
}

impl AsRef<SocketId> for SocketId {
    fn as_ref(&self) -> &SocketId {
        self
    }
}
