//! Structs and enums in all the shapes that serde knows, with what is hard for a front end: names
//! that are keywords, comments that end comments, integers that JavaScript rounds.

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use jstack_runtime::Payload;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::helpers::*;

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
