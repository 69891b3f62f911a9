//! `serde_path_to_error` watches the decoding itself, so it knows: what it says is the truth here.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use serde_path_to_error::Segment;

use super::*;

/// A path as ours are written, with `?` for what the watcher does not know.
fn written(path: &serde_path_to_error::Path) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => issue_path::push_index(&mut text, index),
            Segment::Map { key } | Segment::Enum { variant: key } => {
                issue_path::push_key(&mut text, key);
            }
            Segment::Unknown => issue_path::push_key(&mut text, "?"),
        }
    }
    text
}

fn told<T: DeserializeOwned>(json: &str) -> Option<(String, String)> {
    let error = serde_json::from_str::<T>(json).err()?;
    let parser = &mut serde_json::Deserializer::from_str(json);
    let mut truth = match serde_path_to_error::deserialize::<_, T>(parser) {
        Err(error) => written(error.path()),
        // What follows the value.
        Ok(_) => return None,
    };
    let probe = probe_text(json, &error);
    let again = serde_json::from_str::<T>(&probe).err();
    let ours = error_path(json, &error, &probe, again.as_ref());
    // It does not tell a key that is no number; we do.
    if truth.strip_suffix('?').is_some_and(|path| ours.starts_with(path)) {
        truth.clone_from(&ours);
    }
    Some((ours, truth))
}

#[track_caller]
fn same<T: DeserializeOwned>(json: &str, path: &str) {
    let (ours, truth) = told::<T>(json).expect("it decodes");
    assert_eq!((&*ours, &*truth), (path, path), "{json}");
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "decoded only")]
struct Inner {
    name: String,
    #[serde(default)]
    small: u8,
    #[serde(default, deserialize_with = "even")]
    even: u64,
}

fn even<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    match u64::deserialize(from)? {
        n if n.is_multiple_of(2) => Ok(n),
        _ => Err(serde::de::Error::custom("odd")),
    }
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "decoded only")]
enum Outside {
    Unit,
    New(Inner),
    Pair(u8, Inner),
    Named { inner: Inner },
    Even(Even),
}

/// Refuses what it read itself.
#[derive(Debug, Deserialize)]
#[serde(try_from = "u64")]
#[allow(dead_code, reason = "decoded only")]
struct Even(u64);

impl TryFrom<u64> for Even {
    type Error = &'static str;

    fn try_from(n: u64) -> Result<Self, Self::Error> {
        if n.is_multiple_of(2) { Ok(Self(n)) } else { Err("odd") }
    }
}

#[derive(Debug, Deserialize)]
#[serde(tag = "t")]
#[allow(dead_code, reason = "decoded only")]
enum Tagged {
    A { n: u8, inner: Option<Inner> },
    B(Inner),
}

#[derive(Debug, Deserialize)]
#[serde(tag = "t", content = "c")]
#[allow(dead_code, reason = "decoded only")]
enum Beside {
    A(Inner),
    B { n: u8 },
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
#[allow(dead_code, reason = "decoded only")]
enum Any {
    A(Inner),
    B(u8),
}

#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "decoded only")]
struct Flat {
    id: u8,
    #[serde(flatten)]
    rest: BTreeMap<String, u8>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[allow(dead_code, reason = "decoded only")]
struct Outer {
    inner: Option<Inner>,
    list: Vec<Inner>,
    evens: Vec<Even>,
    map: HashMap<String, Inner>,
    by_number: BTreeMap<u16, u8>,
    pair: Option<(u8, String)>,
    three: Option<[i8; 3]>,
    outside: Option<Outside>,
    tagged: Option<Tagged>,
    beside: Option<Beside>,
    any: Option<Any>,
    flat: Option<Flat>,
    deep: Vec<Vec<BTreeMap<String, Vec<f32>>>>,
    boxed: Option<Box<Outer>>,
    unit: Option<()>,
    letter: Option<char>,
    wide: Option<i128>,
    address: Option<std::net::IpAddr>,
    pause: Option<std::time::Duration>,
}

#[test]
fn a_value_of_the_wrong_type_is_named() {
    for value in ["5", "-1.5e3", "true", "null", "[]", "{}", "[1]", r#"{"a":1}"#] {
        same::<Inner>(&format!(r#"{{"name":{value}}}"#), "name");
        same::<Inner>(&format!("{{ \"name\" :\n {value}\n }}"), "name");
        same::<Outer>(&format!(r#"{{"list":[{{"name":{value}}}]}}"#), "list[0].name");
    }
    same::<Inner>(r#"{"name":"a","small":"b"}"#, "small");
    same::<String>("5", "");
    same::<Vec<u8>>("[1,2,{}]", "[2]");
    same::<Vec<u8>>("{}", "");
    same::<Vec<Vec<u8>>>("[[],[1,\n\"x\"]]", "[1][1]");
}

#[test]
fn a_number_out_of_range_is_named() {
    same::<Inner>(r#"{"name":"a","small":256}"#, "small");
    same::<Inner>(r#"{"small":-1,"name":"a"}"#, "small");
    same::<Outer>(r#"{"deep":[[{"a b":[1,2]}],[{"c.d":[1,"x"]}]]}"#, r#"deep[1][0]["c.d"][1]"#);
}

#[test]
fn a_rule_of_the_types_own_is_named() {
    same::<Inner>(r#"{"name":"a","even":3}"#, "even");
    same::<Inner>(r#"{"even":3,"name":"a"}"#, "even");
    same::<Inner>(r#"{"even":3 ,"name":"a"}"#, "even");
    same::<Inner>("{\"even\":3\n}", "even");
    same::<Outer>(r#"{"inner":{"name":"a","even":3},"list":[]}"#, "inner.even");
    same::<Outer>(r#"{"inner":{"name":"a","even":3}}"#, "inner.even");
    for list in
        ["[3]", "[3,2]", "[3 , 2 ]", "[2,3]", "[2, 3 ]", "[2,3,[]]", "[2,3,\"\"]", "[2,3,4]"]
    {
        let path = if list.starts_with("[3") { "evens[0]" } else { "evens[1]" };
        same::<Outer>(&format!(r#"{{"evens":{list}}}"#), path);
        same::<Outer>(&format!(r#"{{"evens":{list} , "list":[]}}"#), path);
    }
    same::<Outer>(r#"{"outside":{"Even":3}}"#, "outside.Even");
    same::<Outer>(r#"{"outside":{"Even":3},"list":[]}"#, "outside.Even");
    same::<Outer>(r#"{"address":"here"}"#, "address");
    same::<Outer>(r#"{"letter":"ab"}"#, "letter");
}

#[test]
fn a_missing_field_is_its_parents() {
    same::<Inner>("{}", "");
    same::<Inner>("{}  ", "");
    same::<Vec<Inner>>(r#"[{"name":"a"},{}]"#, "[1]");
    same::<Outer>(r#"{"map":{"a":{"name":""},"b\"\u00e9":{}}}"#, r#"map["b\"é"]"#);
    same::<Outer>(r#"{"boxed":{"boxed":{"inner":{"small":1}}},"list":[]}"#, "boxed.boxed.inner");
}

#[test]
fn tuples_and_arrays_of_another_length_are_named() {
    same::<Outer>(r#"{"pair":[1]}"#, "pair");
    same::<Outer>(r#"{"three":[1,2]}"#, "three");
    for third in ["3", "[]", "{}", "[4]", "\"\"", " null"] {
        same::<Outer>(&format!(r#"{{"pair":[1,"a",{third}]}}"#), "pair");
    }
    same::<Outer>(r#"{"three":[1,2,3,4],"unit":null}"#, "three");
    same::<Outer>(r#"{"pair":[1,2]}"#, "pair[1]");
}

#[test]
fn enums_are_named_however_they_are_tagged() {
    same::<Outer>(r#"{"outside":"Nope"}"#, "outside");
    same::<Outer>(r#"{"outside":{"New":{}}}"#, "outside.New");
    same::<Outer>(r#"{"outside":{"Even":20,"New":{}}}"#, "outside");
    same::<Outer>(r#"{"outside":{"New":{"name":"a"} , "Even":2}}"#, "outside");
    same::<Outer>(r#"{"outside":{"New":{"name":1}}}"#, "outside.New.name");
    same::<Outer>(r#"{"outside":{"Pair":[1,{"name":1}]}}"#, "outside.Pair[1].name");
    same::<Outer>(r#"{"outside":{"Named":{"inner":{"name":1}}}}"#, "outside.Named.inner.name");
    same::<Outer>(r#"{"tagged":{"t":"A","n":300}}"#, "tagged");
    same::<Outer>(r#"{"tagged":{"t":"A","n":300},"list":[]}"#, "tagged");
    same::<Outer>(r#"{"tagged":{"t":"B","name":"a","even":3}}"#, "tagged");
    same::<Outer>(r#"{"tagged":{"t":"C"}}"#, "tagged.t");
    same::<Outer>(r#"{"tagged":{"n":3}}"#, "tagged");
    same::<Outer>(r#"{"beside":{"t":"A","c":{"name":1}}}"#, "beside.c.name");
    same::<Outer>(r#"{"any":"x"}"#, "any");
    same::<Outer>(r#"{"any":{"name":1}}"#, "any");
    same::<Outer>(r#"{"flat":{"id":1,"x":300}}"#, "flat");
}

/// Any JSON made of what the type knows, right or wrong.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!(true)),
        // After one digit an enum's second variant is not told from a number in its place.
        prop_oneof![-300i64..0, 10i64..300].prop_map(|n| json!(n)),
        Just(json!(1.5)),
        prop_oneof![
            Just("a"),
            Just("Unit"),
            Just("A"),
            Just("12"),
            Just("127.0.0.1"),
            Just("\" ,]}")
        ]
        .prop_map(|text| json!(text)),
    ];
    let key = prop::sample::select(KEYS);
    leaf.prop_recursive(5, 48, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..5)
                .prop_map(|map| map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Value>()),
        ]
    })
}

/// Whether a tag comes after the content that it is for, somewhere: that is decoded from memory
/// when the tag is read, so what is wrong with it is told of the tag.
fn has_a_late_tag(value: &Value) -> bool {
    match value {
        Value::Object(fields) => {
            (fields.contains_key("c") && fields.contains_key("t"))
                || fields.values().any(has_a_late_tag)
        }
        Value::Array(elements) => elements.iter().any(has_a_late_tag),
        _ => false,
    }
}

#[test]
fn what_is_wrong_with_content_before_its_tag_is_told_of_the_tag() {
    let told = told::<Outer>(r#"{"beside":{"c":null,"t":"A"},"list":[]}"#);
    assert_eq!(told, Some(("beside.t".to_owned(), "beside".to_owned())));
}

const KEYS: &[&str] = &[
    "name",
    "small",
    "even",
    "inner",
    "list",
    "evens",
    "map",
    "by_number",
    "pair",
    "three",
    "outside",
    "tagged",
    "beside",
    "any",
    "flat",
    "deep",
    "boxed",
    "unit",
    "letter",
    "wide",
    "address",
    "pause",
    "t",
    "c",
    "n",
    "id",
    "x",
    "New",
    "Pair",
    "Named",
    "Even",
    "A",
    "B",
    "7",
    "secs",
    "nanos",
];

/// What a client may send that is no JSON, or only begins as such.
fn any_text() -> impl Strategy<Value = String> {
    let piece =
        prop::sample::select(&["{", "}", "[", "]", ",", ":", "\"", "\\", "1", "é", " ", "\n"]);
    let field = prop::sample::select(KEYS).prop_map(|key| format!("\"{key}\":"));
    let piece = prop_oneof![piece.prop_map(str::to_owned), field, Just("\"a\"".to_owned())];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_text_is_refused_without_a_panic(text in any_text()) {
        told::<Outer>(&text);
        told::<Vec<Inner>>(&text);
    }

    #[test]
    fn any_value_is_refused_at_its_place(
        value in any_json(),
        field in prop::sample::select(KEYS),
        pretty in any::<bool>(),
    ) {
        let value = json!({ field: value, "list": [] });
        prop_assume!(!has_a_late_tag(&value));
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let text = text.unwrap();
        if let Some((ours, truth)) = told::<Outer>(&text) {
            prop_assert_eq!(ours, truth, "{}: {}", text, serde_json::from_str::<Outer>(&text).unwrap_err());
        }
    }
}
