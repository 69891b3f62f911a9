use std::collections::BTreeMap;
use std::fmt::{self, Display};

use proptest::prelude::*;
use serde::ser::{SerializeMap as _, SerializeSeq as _, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::payload::json::write;

fn written<T: Serialize + ?Sized>(value: &T) -> Result<String, String> {
    let mut out = b"before".to_vec();
    match write(value, &mut out) {
        Ok(()) => Ok(String::from_utf8(out.split_off(6)).expect("UTF-8")),
        Err(error) => Err(error.to_string()),
    }
}

/// The same text, or the same error, as `serde_json`.
#[track_caller]
fn check<T: Serialize + ?Sized>(value: &T) {
    let expected = serde_json::to_string(value).map_err(|error| error.to_string());
    assert_eq!(written(value), expected);
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Unit;

#[derive(Clone, Debug, Serialize, Deserialize)]
struct New(u8);

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Pair(String, i64);

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    #[serde(rename = "no\"thing")]
    Nothing,
    One(String),
    Two(u8, Option<u8>),
    #[serde(rename_all = "camelCase")]
    Named {
        first_name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        last_name: Option<String>,
    },
}

/// A value that asks for each kind that a serialiser knows.
#[derive(Clone, Debug)]
enum Any {
    Bool(bool),
    Integer(i64),
    Long(u128),
    Float(f64),
    Short(f32),
    Char(char),
    Text(String),
    Bytes(Vec<u8>),
    Nothing,
    Some(Box<Any>),
    Unit,
    Shape(Shape),
    Pair(Pair),
    New(New),
    Displayed(String),
    Raw(String),
    List(Vec<Any>),
    Map(Vec<(Any, Any)>),
}

impl Display for Any {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Displayed(text) = self else { return Ok(()) };
        text.chars().try_for_each(|character| write!(f, "{character}"))
    }
}

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bool(value) => value.serialize(serializer),
            Self::Integer(value) => value.serialize(serializer),
            Self::Long(value) => value.serialize(serializer),
            Self::Float(value) => value.serialize(serializer),
            Self::Short(value) => value.serialize(serializer),
            Self::Char(value) => value.serialize(serializer),
            Self::Text(value) => value.serialize(serializer),
            Self::Bytes(value) => serializer.serialize_bytes(value),
            Self::Nothing => serializer.serialize_none(),
            Self::Some(value) => serializer.serialize_some(value),
            Self::Unit => Unit.serialize(serializer),
            Self::Shape(value) => value.serialize(serializer),
            Self::Pair(value) => value.serialize(serializer),
            Self::New(value) => value.serialize(serializer),
            Self::Displayed(_) => serializer.collect_str(self),
            Self::Raw(text) => {
                let json = serde_json::to_string(text).expect("a text");
                RawValue::from_string(json).expect("JSON").serialize(serializer)
            }
            Self::List(values) => {
                let mut list = serializer.serialize_seq(None)?;
                for value in values {
                    list.serialize_element(value)?;
                }
                list.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(None)?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,40}",
        proptest::collection::vec(any::<char>(), 0..20)
            .prop_map(|characters| characters.into_iter().collect()),
        "[a\"\\\\\n\u{1f}\u{7f}é🎉]{0,30}",
    ]
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        Just(Shape::Nothing),
        text().prop_map(Shape::One),
        any::<(u8, Option<u8>)>().prop_map(|(a, b)| Shape::Two(a, b)),
        (text(), proptest::option::of(text()))
            .prop_map(|(first_name, last_name)| Shape::Named { first_name, last_name }),
    ]
}

fn value() -> impl Strategy<Value = Any> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Any::Bool),
        any::<i64>().prop_map(Any::Integer),
        any::<u128>().prop_map(Any::Long),
        any::<f64>().prop_map(Any::Float),
        any::<f32>().prop_map(Any::Short),
        any::<char>().prop_map(Any::Char),
        text().prop_map(Any::Text),
        any::<Vec<u8>>().prop_map(Any::Bytes),
        Just(Any::Nothing),
        Just(Any::Unit),
        shape().prop_map(Any::Shape),
        (text(), any::<i64>()).prop_map(|(a, b)| Any::Pair(Pair(a, b))),
        any::<u8>().prop_map(|n| Any::New(New(n))),
        text().prop_map(Any::Displayed),
        text().prop_map(Any::Raw),
    ];
    leaf.prop_recursive(4, 32, 5, |inner| {
        prop_oneof![
            inner.clone().prop_map(|value| Any::Some(Box::new(value))),
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Any::List),
            proptest::collection::vec((inner.clone(), inner), 0..5).prop_map(Any::Map),
        ]
    })
}

proptest! {
    /// Keys that are no texts included: both refuse the same ones with the same words.
    #[test]
    fn any_value_is_written_as_serde_json_writes_it(value in value()) {
        check(&value);
    }

    #[test]
    fn any_text_is_written_as_serde_json_writes_it(text: String) {
        check(&text);
    }
}

#[test]
fn shapes_of_derives_are_written_as_serde_json_writes_them() {
    #[derive(Serialize)]
    struct Outer<'a> {
        texts: [&'a str; 2],
        shapes: Vec<Shape>,
        map: BTreeMap<Shape, u8>,
        numbers: BTreeMap<u64, (i8, f32)>,
        #[serde(flatten)]
        rest: BTreeMap<char, Option<bool>>,
        #[serde(rename = "strange \"name\"")]
        strange: Value,
        address: std::net::IpAddr,
    }
    let named = Shape::Named { first_name: "a".into(), last_name: None };
    check(&Outer {
        texts: ["", "\u{0}"],
        shapes: vec![Shape::Nothing, Shape::One("\n".into()), Shape::Two(0, None), named],
        map: BTreeMap::from([(Shape::Nothing, 1)]),
        numbers: BTreeMap::from([(7, (-1, 0.1)), (u64::MAX, (i8::MIN, f32::NAN))]),
        rest: BTreeMap::from([('"', None), ('b', Some(true))]),
        strange: json!({ "deep": [[[{ "a": 1e300 }]]], "": null }),
        address: std::net::Ipv4Addr::LOCALHOST.into(),
    });
}

#[test]
fn what_is_json_already_is_copied_also_from_deep_inside() {
    let raw = RawValue::from_string(r#"{ "a" : 1.0e5 }"#.to_owned()).expect("JSON");
    check(&raw);
    check(&vec![(&raw, "\"")]);
    check(&BTreeMap::from([("k", Some(&raw))]));
}

#[test]
fn an_error_of_the_values_own_comes_out_as_it_is() {
    struct Broken(u8);
    impl Serialize for Broken {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom(format_args!("{} cannot be written", self.0)))
        }
    }
    check(&Broken(1));
    check(&BTreeMap::from([(1, [Broken(1)])]));
    check(&BTreeMap::from([(Some(1), 1)]));
    check(&BTreeMap::from([(vec![1], 1)]));
}
