use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};

use crate::payload::json::read;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said {
    room_id: String,
    message: Cow<'static, str>,
    #[serde(default)]
    likes: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_to: Option<Box<Said>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct New(i64);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Nothing,
    One(New),
    Two(f64, Option<bool>),
    Named { name: char },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data")]
enum Tagged {
    A(Shape),
    B { at: (i16, u64), unit: Unit },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(i32),
    Text(String),
    Shapes(Vec<Shape>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct All {
    shapes: Vec<Shape>,
    tagged: Vec<Tagged>,
    either: [Either; 2],
    byte: BTreeMap<u8, bool>,
    single: f32,
    long: u128,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Rest {
    id: u32,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

/// What is read is what `serde_json` reads; what it refuses is not read.
#[track_caller]
fn check<T: DeserializeOwned + PartialEq + Debug>(json: &str) -> bool {
    let Some(ours) = read::<T>(json) else { return false };
    assert_eq!(Some(ours), serde_json::from_str(json).ok(), "{json}");
    true
}

/// As many types as are common; how many of them the reader read.
#[track_caller]
fn check_all(json: &str) -> usize {
    let checks = [
        check::<Value>,
        check::<Said>,
        check::<Vec<Shape>>,
        check::<Vec<Tagged>>,
        check::<Vec<Either>>,
        check::<All>,
        check::<Rest>,
        check::<BTreeMap<String, Option<i64>>>,
        check::<BTreeMap<Shape, f64>>,
        check::<(String, u64, Option<f64>)>,
        check::<String>,
        check::<f32>,
        check::<Option<char>>,
        check::<Number>,
    ];
    checks.into_iter().filter(|check| check(json)).count()
}

impl PartialOrd for Shape {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Shape {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        format!("{self:?}").cmp(&format!("{other:?}"))
    }
}

impl Eq for Shape {}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,20}",
        "[a\"\\\\\n\u{1f}\u{7f}é🎉]{0,12}",
        select(
            &["roomId", "message", "likes", "replyTo", "kind", "data", "A", "B", "at", "unit"][..]
        )
        .prop_map(str::to_owned),
        select(&["Nothing", "One", "Two", "Named", "name", "id", "shapes", "either", "x"][..])
            .prop_map(str::to_owned),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (0..300_u32).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((text(), inner), 0..4)
                .prop_map(|fields| Value::from(fields.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn valid() -> impl Strategy<Value = String> {
    let message = (text(), text(), any::<u8>(), proptest::option::of(text())).prop_map(
        |(room_id, message, likes, reply)| {
            let reply_to = reply.map(|message| {
                let room_id = room_id.clone();
                Box::new(Said { room_id, message: message.into(), likes: 0, reply_to: None })
            });
            let message = Said { room_id, message: message.into(), likes, reply_to };
            serde_json::to_value(message).expect("plain data")
        },
    );
    (prop_oneof![value(), message], any::<bool>()).prop_map(|(value, pretty)| {
        if pretty { format!(" {value:#}\n") } else { value.to_string() }
    })
}

/// Marks that change what a JSON text means.
const MARKS: &[&str] = &[
    "", "\"", "\\", "{", "}", "[", "]", ",", ":", "-", "0", "1", ".", "e", " ", "\u{1}", "null",
    "true", "\\u0041", "\\ud800", "é", ",,", "{}", "\u{feff}",
];

proptest! {
    #[test]
    fn what_is_read_is_what_serde_json_reads(json in valid()) {
        // Any value is one of `Value`, if no fraction is beyond what a float can be.
        prop_assert!(check_all(&json) > 0, "{json}");
    }

    #[test]
    fn nothing_is_read_that_serde_json_refuses(
        json in valid(),
        edits in proptest::collection::vec((any::<Index>(), select(MARKS), 0..2_usize), 1..4),
    ) {
        let mut characters: Vec<_> = json.chars().map(String::from).collect();
        for (at, mark, replaced) in edits {
            let at = at.index(characters.len() + 1);
            let end = (at + replaced).min(characters.len());
            characters.splice(at..end, [mark.to_owned()]);
        }
        check_all(&characters.concat());
    }

    #[test]
    fn short_texts_of_marks_are_read_as_serde_json_reads_them(
        marks in proptest::collection::vec(select(MARKS), 0..9),
    ) {
        check_all(&marks.concat());
    }
}

#[test]
fn what_derives_ask_for_is_read_here() {
    let json = r#"{ "roomId": "r", "message": "a \"b\" é 🎉",
        "replyTo": {"roomId":"","message":"\u0041","likes":255,"new":[1.5,{"a":[]}]} }"#;
    assert!(check::<Said>(json));
    assert!(check::<Vec<Shape>>(
        r#"["Nothing",{"One":-7},{"Two":[1,null]},{"Named":{"name":"é"}}]"#
    ));
    assert!(check::<Vec<Tagged>>(
        r#"[{"kind":"A","data":"Nothing"},{"data":{"at":[-1,18446744073709551615],"unit":null},"kind":"B"}]"#
    ));
    assert!(check::<Vec<Either>>(r#"[1,"a",["Nothing"]]"#));
    assert!(check::<Rest>(r#"{"a":[null,true,-0,1e3],"id":7,"":{}}"#));
    assert!(check::<Value>("[0,-0,0.0,1e300,-1,999999999999999999,1000000000000000000,\"\"]"));
}

#[test]
fn what_serde_json_has_rules_of_its_own_for_is_left_to_it() {
    assert!(read::<f32>("0.1").is_none());
    assert!(read::<u128>("1").is_none());
    assert!(read::<BTreeMap<u8, bool>>(r#"{"1":true}"#).is_none());
    assert!(read::<New>("[1]").is_none());
    assert!(read::<Said>(r#"["r","m"]"#).is_none());
    assert!(read::<Box<RawValue>>("1").is_none());
}

#[test]
fn what_is_not_json_is_not_read() {
    for json in [
        "",
        " ",
        "[",
        "[1",
        "[1,]",
        "[,1]",
        "{\"a\":1,}",
        "{\"a\"}",
        "{a:1}",
        "01",
        "-",
        "1.",
        ".5",
        "+1",
        "tru",
        "nulll",
        "\"",
        "\"\\",
        "\"\u{1}\"",
        "\"a\"b",
        "1 2",
        "[1}",
        "{\"a\":1]",
        "\u{feff}1",
        "'a'",
    ] {
        assert_eq!(check_all(json), 0, "{json}");
    }
}

#[test]
fn what_nests_deeply_is_left_to_serde_json() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(check::<Value>(&nested(120)));
    assert!(read::<Value>(&nested(121)).is_none());
    assert!(read::<Value>(&nested(100_000)).is_none());
}

/// Its answer does not depend on what it reads, nor does it read anything.
#[derive(Debug, PartialEq)]
struct Blind(u8);

impl<'de> Deserialize<'de> for Blind {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        Ok(Self(0))
    }
}

#[test]
fn a_type_that_reads_nothing_is_read_as_serde_json_reads_it() {
    for json in ["", "[]", "[,]", "[,,]", "{}", "{\"a\":}", "{\"a\":,\"b\":}", "{\"a\":,}"] {
        check::<Blind>(json);
        check::<Vec<Blind>>(json);
        check::<BTreeMap<String, Blind>>(json);
    }
}
