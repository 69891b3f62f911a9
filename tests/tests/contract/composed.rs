//! Types that are composed of others: flattened, in containers, foreign, generic, with rules.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use chrono::{DateTime, NaiveDate, Utc};
use jstack_runtime::Payload;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::helpers::*;
use super::types::*;

/// Another's fields among its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct FlattenStruct {
    pub own: u8,
    #[serde(flatten)]
    pub inner: Inner,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct FlattenValues {
    pub own: u8,
    #[serde(flatten)]
    #[arbitrary(with = others::<bool>)]
    pub rest: BTreeMap<String, bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct FlattenAny {
    pub own: Option<u8>,
    #[serde(flatten)]
    #[arbitrary(default)]
    pub rest: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct FlattenEnum {
    pub own: u8,
    #[serde(flatten)]
    pub which: Shape,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
#[serde(tag = "shape")]
pub enum Shape {
    Circle { radius: u8 },
    Square { side: u8 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct FlattenExternal {
    pub own: u8,
    #[serde(flatten)]
    pub which: Either,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub enum Either {
    Left(u8),
    Right(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct FlattenOption {
    pub own: u8,
    #[serde(flatten)]
    pub inner: Option<Point2>,
}

/// One of several that may be missing, among its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct FlattenMaybe {
    pub own: u8,
    #[serde(flatten)]
    pub mode: Option<External>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Maps {
    pub text: HashMap<String, u8>,
    pub unsigned: BTreeMap<u32, String>,
    pub signed: BTreeMap<i64, String>,
    pub wide: BTreeMap<u64, Point>,
    pub color: BTreeMap<Color, u8>,
    pub boxed: BTreeMap<Id, u8>,
    pub nested: BTreeMap<String, BTreeMap<u8, Vec<u8>>>,
}

#[derive(
    Clone,
    Debug,
    PartialEq,
    Serialize,
    Deserialize,
    JsonSchema,
    Payload,
    Arbitrary,
    Eq,
    PartialOrd,
    Ord,
)]
pub struct Id(pub u32);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Sequences {
    pub bytes: Vec<u8>,
    pub set: BTreeSet<String>,
    pub pair: (String, u8),
    pub single: (u8,),
    pub three: [u8; 3],
    pub many: [u8; 20],
    pub none: [u8; 0],
    pub mixed: Vec<(u8, Option<Color>)>,
    pub choices: Vec<Untagged>,
}

/// Whatever it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Anything {
    #[arbitrary(with = value)]
    pub value: Value,
    #[arbitrary(with = values)]
    pub map: BTreeMap<String, Value>,
    #[arbitrary(value = None)]
    pub maybe: Option<Value>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Foreign {
    #[arbitrary(with = uuid)]
    pub id: Uuid,
    #[arbitrary(with = time)]
    pub at: DateTime<Utc>,
    #[arbitrary(with = date)]
    pub day: NaiveDate,
    #[arbitrary(value = None)]
    pub later: Option<DateTime<Utc>>,
    pub address: IpAddr,
    pub letter: char,
    #[arbitrary(with = cow)]
    pub text: Cow<'static, str>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Lasting {
    #[schemars(with = "Millis")]
    #[serde(with = "millis")]
    #[arbitrary(value = Duration::ZERO)]
    pub timeout: Duration,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
#[schemars(inline)]
pub struct Millis(pub u32);

/// A page of anything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Both<A, B> {
    pub a: A,
    pub b: B,
}

/// A generic type with a name of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
#[schemars(rename = "{T}List")]
pub struct Listed<T> {
    pub all: Vec<T>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Outcome {
    pub result: std::result::Result<Point, String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Intervals {
    pub span: std::ops::Range<u8>,
}

/// Named as something that TypeScript knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Date {
    pub day: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Record {
    pub date: Date,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
#[serde(rename = "Get")]
pub struct Fetched {
    pub a: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
#[serde(from = "String", into = "String")]
pub struct Converted {
    #[arbitrary(default)]
    pub text: String,
}

/// Rules that a schema can express.
#[derive(
    Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary, garde::Validate,
)]
pub struct Ruled {
    #[garde(length(chars, min = 1, max = 8))]
    #[arbitrary(with = |u: &mut Unstructured<'_>| u.choose(&["é", "Ann", "😀😀😀😀😀😀😀😀"]).map(|&s| s.into()))]
    pub name: String,
    #[garde(range(min = 1, max = 9))]
    #[arbitrary(with = |u: &mut Unstructured<'_>| u.int_in_range(1..=9))]
    pub count: u8,
    #[garde(length(max = 2), inner(length(chars, max = 3)))]
    #[arbitrary(with = |u: &mut Unstructured<'_>| Ok(vec!["abc".to_owned(); u.int_in_range(0..=2)?]))]
    pub tags: Vec<String>,
    #[garde(pattern("^[a-z]+$"))]
    #[arbitrary(value = "slug".to_owned())]
    pub slug: String,
    #[garde(range(max = 1_000_000))]
    #[arbitrary(with = count)]
    pub big: u64,
    #[garde(range(min = -1))]
    #[arbitrary(with = |u: &mut Unstructured<'_>| Ok(bool::arbitrary(u)?.then_some(-1)))]
    pub maybe: Option<i32>,
}

/// The message of the chat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    pub room_id: String,
    pub message: String,
    #[serde(default)]
    pub urgent: bool,
    #[arbitrary(with = time)]
    pub at: DateTime<Utc>,
}

/// Its `message` differs by the way it travels, so it does as well.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Envelope {
    pub message: Message,
    pub replies: Vec<Envelope>,
}

pub mod admin {
    use super::{Arbitrary, Deserialize, JsonSchema, Payload, Serialize};
    /// Of the administration.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
    pub struct Config {
        pub port: u16,
    }
}

pub mod rooms {
    use super::{Arbitrary, Deserialize, JsonSchema, Payload, Serialize};
    /// Of the rooms.
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
    pub struct Config {
        pub limit: u16,
    }
}

impl From<String> for Converted {
    fn from(text: String) -> Self {
        Self { text }
    }
}

impl From<Converted> for String {
    fn from(converted: Converted) -> Self {
        converted.text
    }
}
