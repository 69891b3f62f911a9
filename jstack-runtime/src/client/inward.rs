//! Frames from a server, read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::failure;
use crate::error::Error;
use crate::protocol::member_view::MemberView;

/// `[name, data, extra]`; the third is empty where the frame has two elements.
#[derive(Deserialize)]
pub(super) struct Frame<'a>(
    #[serde(borrow)] pub(super) Cow<'a, str>,
    #[serde(borrow)] pub(super) &'a RawValue,
    #[serde(borrow, default)] pub(super) Extra<'a>,
);

#[derive(Deserialize, Default)]
pub(super) struct Extra<'a> {
    /// A request's id.
    #[serde(borrow, default)]
    pub(super) i: Option<Cow<'a, str>>,
    /// The room; `None` is everybody.
    #[serde(borrow, default)]
    pub(super) r: Option<Cow<'a, str>>,
    /// The message's offset in the room.
    #[serde(default)]
    pub(super) o: Option<u64>,
}

impl<'a> Frame<'a> {
    pub(super) fn read(text: &'a str) -> Result<Self, Error> {
        serde_json::from_str(text).map_err(|_| {
            let start: String = text.chars().take(99).collect();
            failure::malformed(format!("not a frame: {start}"))
        })
    }
}

/// How an event that clients send may be treated where it cannot be sent at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Reliable,
    Volatile,
    Latest(Option<String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WireClass {
    Name(String),
    List(Vec<Option<String>>),
}

impl From<WireClass> for Class {
    fn from(class: WireClass) -> Self {
        let (kind, field) = match class {
            WireClass::Name(kind) => (Some(kind), None),
            WireClass::List(list) => {
                let mut list = list.into_iter();
                (list.next().flatten(), list.next().flatten())
            }
        };
        match kind.as_deref() {
            Some("volatile") => Self::Volatile,
            Some("latest") => Self::Latest(field),
            // A class of a later version: to be careful with it is never wrong.
            _ => Self::Reliable,
        }
    }
}

/// The data of `$welcome`.
#[derive(Deserialize)]
pub(super) struct Welcome {
    #[serde(default)]
    pub(super) id: String,
    /// ms
    pub(super) ping: Option<f64>,
    pub(super) max: Option<usize>,
    #[serde(default)]
    classes: BTreeMap<String, WireClass>,
    /// How long the credentials are good, in ms.
    pub(super) ttl: Option<f64>,
    /// Rooms have a history: each says itself whether messages are missing.
    #[serde(default)]
    pub(super) history: bool,
}

impl Welcome {
    pub(super) fn classes(&mut self) -> BTreeMap<String, Class> {
        let classes = std::mem::take(&mut self.classes);
        classes.into_iter().map(|(name, class)| (name, class.into())).collect()
    }
}

/// The data of `$room`.
#[derive(Deserialize)]
pub(super) struct RoomFrame {
    pub(super) r: Option<String>,
    #[serde(rename = "in", default)]
    pub(super) joined: bool,
    pub(super) e: Option<String>,
    pub(super) o: Option<u64>,
}

/// The data of `$at`.
#[derive(Deserialize)]
pub(super) struct AtFrame {
    pub(super) r: Option<String>,
    pub(super) o: u64,
}

/// The answer to `$presence`.
#[derive(Deserialize)]
pub(super) struct PresenceAnswer {
    pub(super) n: u64,
    pub(super) me: Option<Box<str>>,
    pub(super) members: Vec<MemberView>,
    pub(super) count: usize,
}

/// The data of `$presence`.
#[derive(Deserialize)]
pub(super) struct PresenceFrame {
    pub(super) r: String,
    pub(super) n: u64,
    #[serde(default)]
    pub(super) set: Vec<MemberView>,
    #[serde(default)]
    pub(super) gone: Vec<Box<str>>,
    pub(super) count: usize,
}

/// The data of `$gap`.
#[derive(Deserialize)]
pub(super) struct GapFrame {
    pub(super) r: Option<String>,
    #[serde(default)]
    pub(super) reason: String,
    pub(super) missed: Option<u64>,
    /// Where the room continues, if it has a history.
    pub(super) e: Option<String>,
    pub(super) o: Option<u64>,
}

/// One entry of a room's history: event, data, offset, time in ms. An empty name: it was not for this
/// connection.
#[derive(Deserialize)]
pub(super) struct Entry(
    pub(super) String,
    pub(super) Box<RawValue>,
    pub(super) u64,
    pub(super) f64,
);

/// The answer to `$history`.
#[derive(Deserialize)]
pub(super) struct HistoryAnswer {
    pub(super) e: String,
    pub(super) o: u64,
    #[serde(default)]
    pub(super) items: Vec<Entry>,
    #[serde(default)]
    pub(super) more: bool,
    pub(super) gap: Option<String>,
}
