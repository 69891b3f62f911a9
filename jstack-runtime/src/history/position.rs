//! Positions in a room's history, and its bounds.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The life of a log, within which its offsets count.
///
/// A log that lost something, as in a restart, begins another epoch: a position in the former one is then
/// never mistaken for a new one. It is written as up to 16 hexadecimal digits.
///
/// ```
/// use jstack_runtime::history::Epoch;
///
/// let epoch: Epoch = "1f".parse()?;
/// assert_eq!((epoch, epoch.to_string()), (Epoch::new(31), "1f".to_owned()));
/// # Ok::<_, jstack_runtime::history::ParsePositionError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// The epoch with this number, which should be random.
    ///
    /// ```
    /// # use jstack_runtime::history::Epoch;
    /// assert_eq!(Epoch::new(31).to_string(), "1f");
    /// ```
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number of the epoch.
    ///
    /// ```
    /// # use jstack_runtime::history::Epoch;
    /// assert_eq!(Epoch::new(31).number(), 31);
    /// ```
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Epoch({self})")
    }
}

impl FromStr for Epoch {
    type Err = ParsePositionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `from_str_radix` takes a sign as well.
        let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u64::from_str_radix(text, 16).ok().filter(|_| digits);
        number.map(Self).ok_or(ParsePositionError)
    }
}

impl Serialize for Epoch {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Where a message is in a room's history, or where the history ends.
///
/// In JSON it is `["1f", 57]`; as text, `1f:57`. Offsets count from 1, one for each message;
/// offset 0 is the position before the first.
///
/// ```
/// use jstack_runtime::history::{Epoch, Position};
///
/// let position = Position::new(Epoch::new(31), 57);
/// assert_eq!(serde_json::to_string(&position)?, "[\"1f\",57]");
/// assert_eq!("1f:57".parse(), Ok(position));
/// # Ok::<_, serde_json::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    epoch: Epoch,
    offset: u64,
}

impl Position {
    /// The position `offset` of an epoch.
    ///
    /// ```
    /// # use jstack_runtime::history::{Epoch, Position};
    /// let position = Position::new(Epoch::new(31), 57);
    /// assert_eq!((position.epoch().number(), position.offset()), (31, 57));
    /// ```
    pub fn new(epoch: Epoch, offset: u64) -> Self {
        Self { epoch, offset }
    }

    /// The epoch in which the offset counts.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The number of messages in the room up to and including this one.
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.offset)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Position({self})")
    }
}

impl FromStr for Position {
    type Err = ParsePositionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (epoch, offset) = text.split_once(':').ok_or(ParsePositionError)?;
        let digits = offset.bytes().all(|byte| byte.is_ascii_digit());
        let offset = offset.parse().ok().filter(|_| digits).ok_or(ParsePositionError)?;
        Ok(Self { epoch: epoch.parse()?, offset })
    }
}

impl Serialize for Position {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.epoch, self.offset).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (epoch, offset) = Deserialize::deserialize(deserializer)?;
        Ok(Self { epoch, offset })
    }
}

impl schemars::JsonSchema for Position {
    fn schema_name() -> Cow<'static, str> {
        "Position".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "array",
            "prefixItems": [
                { "type": "string", "pattern": "^[0-9a-f]{1,16}$" },
                { "type": "integer", "minimum": 0 },
            ],
            "minItems": 2,
            "maxItems": 2,
        })
    }
}

/// The error for a text that is not a [`Position`] or an [`Epoch`].
///
/// ```
/// # use jstack_runtime::history::Position;
/// assert!("57".parse::<Position>().is_err(), "the epoch is missing");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsePositionError;

impl fmt::Display for ParsePositionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a position is an epoch of 1 to 16 hexadecimal digits, and an offset")
    }
}

impl std::error::Error for ParsePositionError {}

/// How much of each room's history is kept: messages within both bounds.
///
/// ```
/// use std::time::Duration;
/// use jstack_runtime::history::Keep;
///
/// let keep = Keep { count: 100, age: Duration::from_secs(300) }; // history(100, "5m")
/// # let _: Keep = keep;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// The most messages; 0 counts as 1.
    pub count: u32,
    /// The greatest age of a message.
    pub age: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_as_it_is_written() {
        for (epoch, offset) in [(0, 0), (31, 57), (u64::MAX, u64::MAX)] {
            let position = Position::new(Epoch::new(epoch), offset);
            assert_eq!(position.to_string().parse(), Ok(position));
            let json = serde_json::to_string(&position).unwrap();
            assert_eq!(serde_json::from_str::<Position>(&json).unwrap(), position);
        }
    }

    #[test]
    fn what_is_not_a_position_is_refused() {
        for bad in ["", ":", "1f", "1f:", ":57", "+1:5", "1:+5", "-1:5", "1:-5", "g:1", "1:5:6"] {
            assert!(bad.parse::<Position>().is_err(), "{bad}");
        }
        assert!("10000000000000000:1".parse::<Position>().is_err(), "17 digits");
        for bad in ["[1,2]", "[\"1f\"]", "[\"1f\",-1]", "[\"1f\",1.5]", "[\"x\",1]", "{}", "null"] {
            assert!(serde_json::from_str::<Position>(bad).is_err(), "{bad}");
        }
    }
}
