//! Types in all the shapes that serde knows, with what is hard for a front end: names that are
//! keywords, comments that end comments, integers that JavaScript rounds.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use arbitrary::{Arbitrary, Result, Unstructured};
use chrono::{DateTime, NaiveDate, Utc};
use jstack_runtime::Payload;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

/// NaN and the infinities have no JSON.
fn finite(u: &mut Unstructured<'_>) -> Result<f64> {
    f64::arbitrary(u).map(|value| if value.is_finite() { value } else { 0.5 })
}

fn finite_f32(u: &mut Unstructured<'_>) -> Result<f32> {
    f32::arbitrary(u).map(|value| if value.is_finite() { value } else { 0.5 })
}

fn safe(u: &mut Unstructured<'_>) -> Result<u64> {
    u.int_in_range(0..=(1 << 53) - 1)
}

fn count(u: &mut Unstructured<'_>) -> Result<u64> {
    u.int_in_range(0..=1_000_000)
}

fn value(u: &mut Unstructured<'_>) -> Result<Value> {
    Ok(match u.int_in_range(0..=5)? {
        0 => Value::Null,
        1 => bool::arbitrary(u)?.into(),
        2 => i32::arbitrary(u)?.into(),
        3 => String::arbitrary(u)?.into(),
        4 => Value::Array(vec![bool::arbitrary(u)?.into(), Value::Null]),
        _ => serde_json::json!({ "": u16::arbitrary(u)?, "b": [] }),
    })
}

fn values(u: &mut Unstructured<'_>) -> Result<BTreeMap<String, Value>> {
    Ok(BTreeMap::from([(String::arbitrary(u)?, value(u)?)]))
}

/// Keys that no named field has.
fn others<T: for<'a> Arbitrary<'a>>(u: &mut Unstructured<'_>) -> Result<BTreeMap<String, T>> {
    Ok(BTreeMap::<u8, T>::arbitrary(u)?
        .into_iter()
        .map(|(key, value)| (format!("k{key}"), value))
        .collect())
}

fn time(u: &mut Unstructured<'_>) -> Result<DateTime<Utc>> {
    // Years of four digits: beyond them RFC 3339, which is what `date-time` means, ends.
    let seconds = u.int_in_range(-62_135_596_800..=253_402_300_799)?;
    Ok(DateTime::from_timestamp(seconds, 0).unwrap_or_default())
}

fn date(u: &mut Unstructured<'_>) -> Result<NaiveDate> {
    time(u).map(|time| time.date_naive())
}

fn cow(u: &mut Unstructured<'_>) -> Result<Cow<'static, str>> {
    String::arbitrary(u).map(Cow::Owned)
}

fn uuid(u: &mut Unstructured<'_>) -> Result<Uuid> {
    u128::arbitrary(u).map(Uuid::from_u128)
}

/// Nothing in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Unit;

/// No fields, but braces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Empty {}

/// An empty one that lets nothing else in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
#[serde(deny_unknown_fields)]
pub struct Closed {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Newtype(pub String);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
#[serde(transparent)]
pub struct Transparent {
    pub inner: Vec<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Couple(pub String, pub u8);

/// A tuple whose end may be missing when it comes in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Tail(pub String, #[serde(default)] pub u8);

/// A point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
#[serde(deny_unknown_fields)]
pub struct Point {
    pub x: i32,
    pub y: i32,
}

/// All the numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Numbers {
    pub a: u8,
    pub b: i8,
    pub c: u16,
    pub d: i16,
    pub e: u32,
    pub f: i32,
    #[arbitrary(with = finite_f32)]
    pub g: f32,
    #[arbitrary(with = finite)]
    pub h: f64,
    pub i: usize,
    pub j: isize,
    pub k: std::num::NonZeroU16,
}

/// Integers that JavaScript would round, and what makes them safe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Wide {
    #[schemars(extend("x-safe-integer" = true))]
    #[arbitrary(with = safe)]
    pub declared: u64,
    #[schemars(range(max = 1_000_000))]
    #[arbitrary(with = count)]
    pub ranged: u64,
    #[serde(with = "as_string")]
    #[schemars(with = "String")]
    pub text: u64,
    #[serde(with = "as_string")]
    #[schemars(with = "String")]
    pub huge: i128,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
#[serde(rename_all = "camelCase")]
pub struct CamelCase {
    pub room_id: String,
    pub is_open: bool,
    pub r#type: String,
}

/// Keys that are keywords, and keys that need quotes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Keys {
    pub class: String,
    #[serde(rename = "default")]
    pub standard: String,
    #[serde(rename = "content-type")]
    pub content_type: String,
    #[serde(rename = "$key")]
    pub dollar: String,
    #[serde(rename = "1st")]
    pub first: String,
    #[serde(rename = "with space \"and\" quotes")]
    pub quotes: String,
    #[serde(rename = "ключ")]
    pub key: String,
    #[serde(rename = "")]
    pub empty: String,
    #[serde(rename = "enum")]
    pub kinds: Vec<String>,
}

/// Comments that end */ comments.
///
/// Several lines, with `code`, "quotes" and a \ at the end \
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Comments {
    /// Ends */ early. /* And starts.
    pub a: u8,
    /// Line one.
    ///
    /// * Line three
    pub b: u8,
    #[deprecated]
    #[schemars(extend("deprecated" = true))]
    pub old: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Options {
    pub plain: Option<String>,
    #[serde(default)]
    pub defaulted: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<bool>,
    pub list: Option<Vec<Option<u8>>>,
    pub twice: Option<Option<u8>>,
    pub named: Option<Point>,
    pub choice: Option<Color>,
    pub unit: Option<()>,
}

/// What is there only one way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct OneWay {
    #[serde(skip_serializing)]
    #[serde(default)]
    pub sent: u8,
    #[serde(skip_deserializing)]
    pub got: u8,
    #[serde(skip)]
    pub neither: u8,
    #[serde(rename(serialize = "out", deserialize = "in"))]
    pub renamed: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Defaults {
    #[serde(default = "seven")]
    pub number: u32,
    #[serde(default)]
    pub text: String,
    #[serde(default)]
    pub color: Color,
    #[serde(alias = "former")]
    pub current: u8,
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
    Copy,
    Default,
)]
#[serde(rename_all = "kebab-case")]
pub enum Color {
    /// Like blood.
    #[default]
    Red,
    /// Like grass, */ or envy.
    LightGreen,
    Blue,
}

/// Without a word on its variants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub enum Plain {
    One,
    Two,
    Three,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub enum Single {
    Only,
}

/// The variant's name is a key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
#[serde(rename_all = "camelCase")]
pub enum External {
    Nothing,
    Text(String),
    Two(u8, String),
    /// With fields.
    Fields {
        first_one: u8,
        second: Option<bool>,
    },
    Named(Point),
    Unit(()),
}

/// The variant's name is a field among others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Internal {
    Nothing,
    /// With fields.
    Fields {
        first_one: u8,
    },
    Point(Point2),
    Recursive {
        inner: Box<Internal>,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Point2 {
    pub x: i32,
    pub y: i32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
#[serde(tag = "t", content = "c")]
pub enum Adjacent {
    Nothing,
    Text(String),
    Two(u8, u8),
    Fields { a: u8 },
    Named(Point),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
#[serde(untagged)]
pub enum Untagged {
    Number(i32),
    Text(String),
    Pair(u8, u8),
    Point(Point),
    Flag { flag: bool },
    Nothing,
}

/// A tag on a struct, which schemars does not see without an attribute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
#[serde(tag = "kind")]
#[schemars(transform = kind_tagged)]
pub struct Tagged {
    pub a: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub enum PartlyUntagged {
    Known(u8),
    #[serde(untagged)]
    Other(String),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
#[serde(tag = "op")]
pub enum Operation {
    Add { left: Box<Operation>, right: Box<Operation> },
    Number { n: i32 },
}

/// A tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Tree {
    pub name: String,
    pub children: Vec<Tree>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Ping {
    pub pong: Option<Box<Pong>>,
}
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Pong {
    pub pings: Vec<Ping>,
}

/// A list of lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Nested(pub Vec<Nested>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Linked {
    pub by_name: BTreeMap<String, Linked>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload, Arbitrary)]
pub struct Inner {
    pub a: u8,
    pub b: Option<u8>,
}

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

fn kind_tagged(schema: &mut schemars::Schema) {
    let tag = serde_json::json!({ "type": "string", "const": "Tagged" });
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert("kind".to_owned(), tag);
    }
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.push("kind".into());
    }
}

fn seven() -> u32 {
    7
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

mod as_string {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<T, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        value: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_u128(value.as_millis())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u32::deserialize(deserializer).map(|millis| Duration::from_millis(millis.into()))
    }
}
