use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::write;

fn same<T: Serialize + ?Sized>(value: &T) {
    let mut ours = Vec::new();
    write(value, &mut ours).expect("writes");
    let theirs = serde_json::to_string(value).expect("writes");
    assert_eq!(String::from_utf8(ours).expect("UTF-8"), theirs);
}

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Newtype(u8);

#[derive(Serialize)]
struct Pair(u8, &'static str);

#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
enum Every {
    Unit,
    Newtype(Pair),
    Tuple(u8, Unit),
    Struct { a: Newtype, b: Empty },
    Nothing {},
}

#[test]
fn every_shape_is_written_as_serde_json_writes_it() {
    same(&(Unit, Newtype(1), Pair(2, "a\"b"), Empty {}, (), None::<u8>, Some("x"), 'ß', '"'));
    same(&[Every::Unit, Every::Newtype(Pair(1, "")), Every::Tuple(3, Unit), Every::Nothing {}]);
    same(&Every::Struct { a: Newtype(255), b: Empty {} });
    same(&(i128::MIN, u128::MAX, u64::MAX, i64::MIN, -1i8, 1.5f32, f64::NAN, 1e300, true));
    same(&(Vec::<u8>::new(), &b"bytes"[..], std::net::Ipv4Addr::LOCALHOST));
    same(&RawValue::from_string("{ \"as\" : [ it, is".replace("it, is", "1] }")).expect("JSON"));
}

#[test]
fn keys_of_maps_that_are_no_texts_become_texts() {
    same(&BTreeMap::<u8, u8>::new());
    same(&BTreeMap::from([(1, "a"), (2, "b")]));
    same(&BTreeMap::from([(true, BTreeMap::from([('"', ())]))]));
    assert!(write(&BTreeMap::from([((1, 2), 3)]), &mut Vec::new()).is_err());
}

#[test]
fn every_byte_that_needs_an_escape_gets_it_at_every_place() {
    for escaped in ['\0', '\n', '\u{1f}', '"', '\\', ' ', '!', '\u{7f}', 'é', '\u{2028}'] {
        for length in 0..70 {
            for at in 0..=length {
                let mut text = "x".repeat(length);
                text.insert(at, escaped);
                same(&text);
            }
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_is_written_as_serde_json_writes_it(value in any_json()) {
        same(&value);
    }
}
