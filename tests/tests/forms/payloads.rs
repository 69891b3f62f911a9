//! Payloads: where rules are found, and how they name the fields.

use std::borrow::Cow;
use std::collections::{HashMap, LinkedList};

use jstack_runtime::Issues;

use crate::*;

fn issues(value: &impl Payload) -> Vec<String> {
    let mut issues = Issues::default();
    value.check(&mut issues);
    issues.as_slice().iter().map(ToString::to_string).collect()
}

#[derive(Serialize, Deserialize, JsonSchema, Payload)]
#[serde(rename_all = "camelCase")]
struct Outer {
    plain: u32,
    the_inner: Limited<u32>,
    #[serde(flatten)]
    flat: Limited<u32>,
    #[serde(skip)]
    skipped: Option<NotAPayload>,
    #[serde(rename = "third")]
    other: Vec<Limited<u32>>,
}

#[derive(Default)]
struct NotAPayload;

#[derive(Serialize, Deserialize, JsonSchema, Payload)]
enum Choice {
    None,
    One(Limited<u32>),
    Two(u32, Limited<u32>),
    Named { a: u32, the_b: Limited<u32> },
}

#[derive(Serialize, Deserialize, JsonSchema, Payload)]
struct Wrapper(Limited<u32>);

fn long() -> Limited<u32> {
    Limited { item: 1, name: "four".into(), list: vec![] }
}

#[test]
fn rules_of_what_is_inside_are_run_and_name_their_fields() {
    let outer =
        Outer { plain: 1, the_inner: long(), flat: long(), skipped: None, other: vec![long()] };
    let paths: Vec<String> = issues(&outer)
        .iter()
        .map(|issue| issue.split(':').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(paths, ["theInner.name", "name", "third[0].name"]);
    assert!(issues(&Wrapper(long()))[0].starts_with("name: "));
    assert!(issues(&Choice::One(long()))[0].starts_with("name: "));
    assert!(issues(&Choice::Two(1, long()))[0].starts_with("[1].name: "));
    assert!(issues(&Choice::Named { a: 1, the_b: long() })[0].starts_with("the_b.name: "));
    assert!(issues(&Choice::None).is_empty());
    let page = Page { items: vec![long()], next: Some(Box::new(long())) };
    assert_eq!(issues(&page).len(), 2);
}

#[derive(Serialize, Deserialize, JsonSchema, Validate, Payload)]
#[serde(rename_all = "camelCase")]
struct Renamed {
    #[garde(range(max = 3))]
    #[serde(rename = "x-position")]
    x: u8,
    #[garde(length(chars, min = 3))]
    #[serde(rename = "type")]
    kind_of: String,
    #[garde(length(chars, min = 3))]
    r#match: String,
    #[garde(inner(length(chars, min = 3)))]
    #[serde(rename = "labels")]
    tags: Vec<String>,
    #[garde(dive)]
    #[serde(flatten)]
    flat: Limited<u32>,
}

#[derive(Serialize, Deserialize, JsonSchema, Validate, Payload)]
struct Name(#[garde(length(chars, min = 3))] String);

#[derive(Serialize, Deserialize, JsonSchema, Validate, Payload)]
enum Place {
    Named(#[garde(length(chars, min = 3))] String),
    Point(#[garde(range(max = 3))] u8, #[garde(skip)] u8),
}

#[test]
fn a_path_that_two_variants_share_stays_as_it_is() {
    assert!(issues(&Place::Point(9, 9))[0].starts_with("[0]: "));
    assert!(issues(&Place::Named("a".into()))[0].starts_with("[0]: "));
}

#[test]
fn a_broken_rule_names_its_field_as_serde_does() {
    let short = || "a".to_owned();
    let value =
        Renamed { x: 9, kind_of: short(), r#match: short(), tags: vec![short()], flat: long() };
    let found = issues(&value);
    let mut paths: Vec<_> = found.iter().filter_map(|issue| issue.split(':').next()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["labels[0]", "match", "name", "type", "x-position"]);
    assert_eq!(issues(&Name(short())), ["length is lower than 3"]);
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, Payload)]
struct Key(String);

#[derive(Serialize, Deserialize, JsonSchema, Payload)]
struct Containers {
    keyed: HashMap<Key, Limited<u32>>,
    slice: Box<[Limited<u32>]>,
    cow: Cow<'static, [Limited<u32>]>,
    linked: LinkedList<Limited<u32>>,
}

#[test]
fn no_container_of_the_standard_library_hides_rules() {
    let value = Containers {
        keyed: [(Key("a".into()), long())].into(),
        slice: [long()].into(),
        cow: vec![long()].into(),
        linked: [long()].into(),
    };
    let found = issues(&value);
    let paths: Vec<_> = found.iter().filter_map(|issue| issue.split(':').next()).collect();
    assert_eq!(paths, ["keyed.a.name", "slice[0].name", "cow[0].name", "linked[0].name"]);
}
