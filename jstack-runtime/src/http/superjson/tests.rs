use std::collections::{BTreeMap, BTreeSet, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::*;
use crate::http::shape::Shape;
use crate::http::superjson::write;

/// What the real packages send, and that the stock client reads our answers as meant; made by
/// `tests/node/superjson-fixtures.mjs`.
pub(crate) fn fixtures() -> Value {
    serde_json::from_str(include_str!("../fixtures/superjson.json")).unwrap()
}

/// As JSON, for a type of which nothing is known; `None` is `undefined`.
fn plain(text: &str) -> Option<Value> {
    match read(text).unwrap_or_else(|| panic!("not superjson: {text}")) {
        Superjson::Plain(text) => Some(serde_json::from_str(text).unwrap()),
        Superjson::Marked(value, marks) => {
            marks.apply(value, &Shape::input::<Value>().root().nowhere())
        }
    }
}

fn decoded<T: JsonSchema + for<'a> Deserialize<'a> + 'static>(text: &str) -> Result<T, String> {
    let value = match read(text).ok_or("not superjson")? {
        Superjson::Plain(text) => serde_json::from_str(text).unwrap(),
        Superjson::Marked(value, marks) => {
            marks.apply(value, &Shape::input::<T>().root()).ok_or("undefined")?
        }
    };
    serde_json::from_value(value).map_err(|error| error.to_string())
}

#[test]
fn every_value_of_the_real_packages_reads_in_both_forms_of_paths() {
    let fixtures = fixtures();
    let reading = fixtures["reading"].as_array().unwrap();
    assert!(reading.len() > 35, "{}", reading.len());
    for case in reading {
        let expected = case["plain"].as_str().map(|text| serde_json::from_str(text).unwrap());
        for form in ["legacy", "current"] {
            let Some(text) = case[form].as_str() else { continue };
            assert_eq!(plain(text), expected, "{} ({form}): {text}", case["name"]);
        }
    }
}

#[test]
fn only_an_object_with_json_and_at_most_meta_is_superjson() {
    for text in [
        "",
        "text",
        "5",
        "{}",
        "[1]",
        "[1,null]",
        "null",
        r#"{"json":1"#,
        r#"{"json":1}x"#,
        r#"{"meta":{}}"#,
        r#"{"json":1,"other":2}"#,
        r#"{"json":1,"json":2}"#,
        r#"{"json":01}"#,
        r#""{\"json\":1}""#,
    ] {
        assert!(read(text).is_none(), "{text}");
    }
    for text in [
        r#"{"json":1}"#,
        r#" { "meta" : null , "json" : 1 } "#,
        r#"{"json":1,"meta":{}}"#,
        r#"{"json":1,"meta":{"v":1}}"#,
        r#"{"json":1,"meta":"odd"}"#,
        r#"{"json":1,"meta":{"values":[]}}"#,
        r#"{"json":1,"meta":{"values":5}}"#,
        r#"{"json":1,"meta":{"values":[["class","X"]]}}"#,
    ] {
        assert_eq!(plain(text), Some(json!(1)), "{text}");
    }
}

#[test]
fn paths_that_lead_nowhere_are_passed_over() {
    for path in ["b", "a.b.c", "a.9", "a.x", "", "a.0.0", "__proto__.x", "\\", "a\\"] {
        let text = json!({ "json": {"a": [1]}, "meta": {"values": {path: ["undefined"]}} });
        assert_eq!(plain(&text.to_string()), Some(json!({"a": [1]})), "{path}");
    }
    let twice = r#"{"json":{"a":{"b":1}},"meta":{"values":{"a":["undefined"],"a.b":["bigint"]}}}"#;
    assert_eq!(plain(twice), Some(json!({})));
}

#[test]
fn a_mark_that_does_not_fit_its_value_changes_nothing() {
    for mark in ["bigint", "number", "map", "set", "Date", "regexp", "URL", "Error", "unknown"] {
        for value in [json!(null), json!(true), json!("text"), json!([1, [2]]), json!({"a": 1})] {
            let text = json!({ "json": value, "meta": {"values": [mark]} }).to_string();
            assert_eq!(plain(&text), Some(value), "{text}");
        }
    }
}

#[test]
fn referential_equalities_cannot_make_a_small_text_large() {
    let text = json!({
        "json": {"a": [1, 1], "b": null, "c": null},
        "meta": {"referentialEqualities": {"a": ["b", "c"]}},
    });
    assert_eq!(plain(&text.to_string()), Some(json!({"a": [1, 1], "b": null, "c": null})));
}

#[test]
fn deep_nesting_is_left_to_the_decoder_rather_than_a_full_stack() {
    let deep = |n: usize, inner: &str| format!("{}{inner}{}", "[".repeat(n), "]".repeat(n));
    let marked = format!(r#"{{"json":{},"meta":{{"values":["set"]}}}}"#, deep(10_000, ""));
    assert!(matches!(read(&marked), Some(Superjson::Plain(_))));
    let meta = format!(r#"{{"json":1,"meta":{}}}"#, deep(10_000, ""));
    assert!(matches!(read(&meta), Some(Superjson::Plain("1"))));
    let path = vec!["0"; 100_000].join(".");
    let text = json!({ "json": [[1]], "meta": {"values": {path: ["bigint"]}} }).to_string();
    assert_eq!(plain(&text), Some(json!([[1]])));
}

#[derive(Deserialize, JsonSchema)]
struct Ab {
    a: u32,
    b: u32,
}

#[derive(Deserialize, JsonSchema)]
struct Tree {
    inside: HashMap<String, Tree>,
}

#[test]
fn a_map_becomes_what_the_field_is() {
    const MAP: &str = r#"{"json":[["a",1],["b",2]],"meta":{"values":["map"]}}"#;
    let counts = [("a".to_owned(), 1), ("b".to_owned(), 2)];
    assert_eq!(decoded::<HashMap<String, u32>>(MAP).unwrap(), HashMap::from(counts.clone()));
    assert_eq!(decoded::<BTreeMap<String, u32>>(MAP).unwrap(), BTreeMap::from(counts.clone()));
    assert_eq!(decoded::<Option<HashMap<String, u32>>>(MAP).unwrap(), Some(counts.clone().into()));
    assert_eq!(decoded::<Vec<(String, u32)>>(MAP).unwrap(), Vec::from(counts));
    assert_eq!(decoded::<Value>(MAP).unwrap(), json!([["a", 1], ["b", 2]]));
    let Ab { a, b } = decoded(MAP).unwrap();
    assert_eq!((a, b), (1, 2));

    let numbers = r#"{"json":[[1,"one"],[2,"two"]],"meta":{"values":["map"]}}"#;
    assert_eq!(decoded::<HashMap<u8, String>>(numbers).unwrap()[&1], "one");
    let bigints = r#"{"json":[["5","five"]],"meta":{"values":["map",{"0.0":["bigint"]}]}}"#;
    assert_eq!(decoded::<HashMap<u64, String>>(bigints).unwrap()[&5], "five");
    let nested = r#"{"json":[[1,[["a",2]]]],"meta":{"values":["map",{"0.1":["map"]}]}}"#;
    assert_eq!(decoded::<HashMap<u8, HashMap<String, u8>>>(nested).unwrap()[&1]["a"], 2);
    let odd = r#"{"json":[[null,"one"]],"meta":{"values":["map"]}}"#;
    assert!(decoded::<HashMap<String, String>>(odd).is_err());
}

#[test]
fn maps_and_sets_may_stand_in_each_other() {
    type Nested = HashMap<String, HashMap<String, BTreeSet<u64>>>;
    let text = r#"{"json":[["a",[["b",["5"]]]]],"meta":{"values":["map",
        {"0.1":["map",{"0.1":["set",{"0":["bigint"]}]}]}]}}"#;
    assert_eq!(decoded::<Nested>(text).unwrap()["a"]["b"], BTreeSet::from([5]));
    let text = r#"{"json":{"inside":[["a",{"inside":[["b",{"inside":[]}]]}]]},"meta":{"values":
        {"inside":["map",{"0.1.inside":["map",{"0.1.inside":["map"]}]}]}}}"#;
    let tree = decoded::<Tree>(text).unwrap();
    assert!(tree.inside["a"].inside["b"].inside.is_empty());
}

#[test]
fn numbers_that_json_lacks_are_named_in_the_refusal() {
    let number = |text: &str| format!(r#"{{"json":"{text}","meta":{{"values":["number"]}}}}"#);
    for text in ["NaN", "Infinity", "-Infinity"] {
        let error = decoded::<f64>(&number(text)).unwrap_err();
        assert!(error.contains(text), "{error}");
        assert_eq!(decoded::<String>(&number(text)).unwrap(), text);
    }
    assert!(decoded::<f64>(&number("-0")).unwrap().is_sign_negative());
    assert_eq!(decoded::<u32>(&number("-0")), Ok(0));
    assert_eq!(
        decoded::<Vec<u32>>(r#"{"json":["-0"],"meta":{"values":{"0":["number"]}}}"#),
        Ok(vec![0])
    );
}

#[test]
fn a_bigint_is_a_number_as_long_as_64_bits_hold_it() {
    let bigint = |text: &str| format!(r#"{{"json":"{text}","meta":{{"values":["bigint"]}}}}"#);
    assert_eq!(decoded::<u64>(&bigint("18446744073709551615")), Ok(u64::MAX));
    assert_eq!(decoded::<i64>(&bigint("-9223372036854775808")), Ok(i64::MIN));
    assert_eq!(decoded::<String>(&bigint("18446744073709551616")).unwrap(), "18446744073709551616");
}

fn written<T: Serialize + JsonSchema + 'static>(value: &T) -> String {
    String::from_utf8(write(value).unwrap()).unwrap()
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(transparent)]
struct Date(String);

impl JsonSchema for Date {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Date".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "format": "date-time"})
    }
}

#[derive(Clone, Serialize, JsonSchema)]
struct Post {
    title: &'static str,
    at: Date,
}

const AT: &str = "2026-01-02T03:04:05.678Z";

fn at() -> Date {
    Date(AT.into())
}

#[test]
fn what_is_written_is_what_the_stock_client_was_seen_to_read() {
    let fixtures = fixtures();
    let post = || Post { title: "a", at: at() };
    let key = |key: &str| BTreeMap::from([(key.to_owned(), at())]);
    let below = |key: &str| BTreeMap::from([(key.to_owned(), vec![at()])]);
    let two = BTreeMap::from([("a.b".to_owned(), at()), ("c\\d".to_owned(), at())]);
    for (name, text) in [
        ("no dates", written(&BTreeMap::from([("n", 1)]))),
        ("root", written(&at())),
        ("field", written(&post())),
        ("list", written(&vec![post()])),
        ("map with dotted key", written(&two)),
        ("dotted key above", written(&below("a.b"))),
        ("backslash before the dot", written(&below("a\\.b"))),
        ("empty key", written(&key(""))),
        ("backslash at the end", written(&key("a\\"))),
    ] {
        assert_eq!(Some(&*text), fixtures["answers"][name].as_str(), "{name}");
    }
}

fn dates<T: Serialize + JsonSchema + 'static>(value: &T) -> Value {
    let text: Value = serde_json::from_str(&written(value)).unwrap();
    text["meta"]["values"].clone()
}

#[test]
fn dates_are_found_wherever_the_schema_allows_them() {
    #[derive(Serialize, JsonSchema)]
    struct Thread {
        post: Option<Post>,
        none: Option<Date>,
        boxed: Box<Date>,
        pair: (u32, Date),
        replies: Vec<Thread>,
        #[serde(rename = "lastSeen")]
        seen: HashMap<String, Option<Date>>,
        #[serde(flatten)]
        flat: Post,
        by_number: BTreeMap<u32, Date>,
    }
    let thread = |replies| Thread {
        post: Some(Post { title: "a", at: at() }),
        none: None,
        boxed: Box::new(at()),
        pair: (1, at()),
        replies,
        seen: HashMap::from([("ann".to_owned(), Some(at())), ("ben".to_owned(), None)]),
        flat: Post { title: "b", at: at() },
        by_number: BTreeMap::from([(7, at())]),
    };
    let found = dates(&vec![thread(vec![thread(vec![])])]);
    let mut found: Vec<_> = found.as_object().unwrap().keys().map(String::as_str).collect();
    found.sort_unstable();
    let each = ["at", "boxed", "by_number.7", "lastSeen.ann", "pair.1", "post.at"];
    let inner: Vec<_> = each.iter().map(|path| format!("0.replies.0.{path}")).collect();
    let mut expected: Vec<_> = each.iter().map(|path| format!("0.{path}")).chain(inner).collect();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn of_an_enum_only_the_variant_that_is_there_counts() {
    #[derive(Serialize, JsonSchema)]
    #[serde(tag = "kind")]
    enum Tagged {
        Dated { x: Date },
        Named { x: String },
    }
    #[derive(Serialize, JsonSchema)]
    enum External {
        Dated(Date),
        Named(String),
    }
    #[derive(Serialize, JsonSchema)]
    #[serde(tag = "t", content = "c")]
    enum Adjacent {
        Dated(Date),
        Named(String),
    }
    #[derive(Serialize, JsonSchema)]
    #[serde(untagged)]
    enum Untagged {
        Dated(Date),
        Number(u32),
    }
    let tagged = [Tagged::Named { x: AT.into() }, Tagged::Dated { x: at() }];
    assert_eq!(dates(&Vec::from(tagged)), json!({"1.x": ["Date"]}));
    let external = [External::Named(AT.into()), External::Dated(at())];
    assert_eq!(dates(&Vec::from(external)), json!({"1.Dated": ["Date"]}));
    let adjacent = [Adjacent::Named(AT.into()), Adjacent::Dated(at())];
    assert_eq!(dates(&Vec::from(adjacent)), json!({"1.c": ["Date"]}));
    assert_eq!(dates(&vec![Untagged::Number(1), Untagged::Dated(at())]), json!({"1": ["Date"]}));
}

#[test]
fn only_what_javascript_reads_as_that_time_is_a_date() {
    for text in [
        AT,
        "2026-01-02T03:04:05Z",
        "2026-01-02T03:04:05+02:00",
        "2026-01-02T03:04:05.123456789-11:30",
    ] {
        assert_eq!(dates(&Date(text.into())), json!(["Date"]), "{text}");
    }
    for text in [
        "",
        "soon",
        "2026-01-02",
        "2026-01-02T03:04:05",
        "2026-01-02 03:04:05Z",
        "2026-01-02T03:04:60Z",
        "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05Zz",
        "2026-01-02T03:04:05+0200",
        "2026-01-02T03:04:05+02:00[Europe/Berlin]",
        "+12026-01-02T03:04:05Z",
    ] {
        assert_eq!(dates(&Date(text.into())), json!(null), "{text}");
    }
}

#[test]
fn keys_on_which_the_stock_client_would_throw_are_left_as_texts() {
    let named = |key: &str| BTreeMap::from([(key.to_owned(), at())]);
    for key in ["__proto__", "constructor", "prototype"] {
        assert_eq!(dates(&named(key)), json!(null), "{key}");
    }
    assert_eq!(dates(&BTreeMap::from([("a\\".to_owned(), vec![at()])])), json!(null));
}

#[test]
fn what_is_written_reads_back_as_the_same_value() {
    let posts = vec![Post { title: "a\"\\\u{0}ü", at: at() }; 3];
    let text = written(&posts);
    assert_eq!(plain(&text), Some(serde_json::to_value(&posts).unwrap()));
}
