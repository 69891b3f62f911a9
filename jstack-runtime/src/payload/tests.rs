use std::collections::BTreeMap;
use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::*;
use crate::error::{Error, Result};

#[derive(Debug, Serialize, Deserialize, JsonSchema, garde::Validate)]
#[serde(rename_all = "camelCase")]
struct Message {
    #[garde(length(chars, min = 1))]
    room_id: String,
}

impl Payload for Message {
    fn check(&self, issues: &mut Issues) {
        issues.garde(self);
    }
}

fn issues<T: InputPayload + std::fmt::Debug>(json: &str) -> Vec<(String, String)> {
    let error = RawPayload::new(json).parse::<T>().expect_err(json);
    error.issues().iter().map(|i| (i.path.clone(), i.message.clone())).collect()
}

#[test]
fn a_broken_rule_names_the_field_as_the_client_sent_it() {
    assert_eq!(issues::<Message>(r#"{"roomId":""}"#)[0].0, "roomId");
    assert_eq!(issues::<Vec<Message>>(r#"[{"roomId":"a"},{"roomId":""}]"#)[0].0, "[1].roomId");
}

#[test]
fn a_missing_field_is_named_itself_not_its_parent() {
    assert_eq!(issues::<Message>("{}"), [("roomId".into(), "is missing".into())]);
    assert_eq!(issues::<Vec<Message>>("[{}]")[0].0, "[0].roomId");
}

#[test]
fn a_wrong_type_names_the_field_and_what_was_expected() {
    let found = issues::<Message>(r#"{"roomId":5}"#);
    assert_eq!(found[0].0, "roomId");
    assert!(found[0].1.contains("expected a string"), "{found:?}");
}

#[test]
fn what_follows_the_value_is_refused() {
    assert!(!issues::<u32>("1,2").is_empty());
    assert!(!issues::<u32>("1]").is_empty());
}

#[test]
fn an_outgoing_value_that_breaks_its_rules_is_not_encoded() {
    let mut out = Vec::new();
    let error =
        Message::encode(&Message { room_id: String::new() }, &mut out).expect_err("too short");
    assert!(out.is_empty());
    assert_eq!(error.issues()[0].path, "roomId");
    assert_eq!(error.message(), "Internal Server Error");
}

#[test]
fn rules_are_found_on_payloads_on_garde_types_and_nowhere_else() {
    #[derive(garde::Validate)]
    struct Only {
        #[garde(range(max = 3))]
        n: u32,
    }
    struct Free;
    let mut issues = Issues::default();
    Rules(&Message { room_id: String::new() }).check(&mut issues);
    Rules(&Only { n: 9 }).check(&mut issues);
    NoRules::check(&&Rules(&Free), &mut issues);
    let ok: Result<Vec<Message>> = Ok(vec![Message { room_id: String::new() }]);
    Rules(&ok).check(&mut issues);
    assert_eq!(issues.as_slice().len(), 3);
}

/// What a report of rules' paths becomes beside what was sent.
fn as_sent(paths: &[&str], sent: &Value) -> Vec<String> {
    let mut issues = Issues::default();
    for path in paths {
        issues.at(path);
    }
    issues.into_wire_paths(sent).into_iter().map(|issue| issue.path).collect()
}

#[test]
fn names_are_found_through_arrays_and_renames() {
    let sent = json!({"outerList": [{"innerName": 1}]});
    assert_eq!(as_sent(&["outer_list[0].inner_name"], &sent), ["outerList[0].innerName"]);
}

#[derive(Debug, Serialize, Deserialize, JsonSchema, garde::Validate)]
#[serde(rename_all = "camelCase")]
struct Prices {
    #[garde(dive)]
    by_region: BTreeMap<String, Price>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema, garde::Validate)]
#[serde(rename_all = "camelCase")]
struct Price {
    #[garde(range(min = 1))]
    net_amount: u32,
}

impl Payload for Price {
    fn check(&self, issues: &mut Issues) {
        issues.garde(self);
    }
}

impl Payload for Prices {
    fn check(&self, issues: &mut Issues) {
        issues.garde(self);
    }
}

#[test]
fn a_dot_in_a_key_is_not_taken_for_another_level() {
    let path = r#"byRegion["eu.west"].netAmount"#;
    let broken = r#"{"byRegion":{"eu.west":{"netAmount":0}}}"#;
    assert_eq!(issues::<Prices>(broken)[0].0, path, "by garde");
    let broken = r#"{"eu.west":{"netAmount":0}}"#;
    let found = issues::<BTreeMap<String, Price>>(broken);
    assert_eq!(found[0].0, r#"["eu.west"].netAmount"#, "by ours");
    let wrong = r#"{"byRegion":{"eu.west":{"netAmount":"x"}}}"#;
    assert_eq!(issues::<Prices>(wrong)[0].0, path, "by serde");
    // As one text, all of them would be `byRegion.a.b.netAmount`.
    let sent = json!({"byRegion": {"a": {"b.netAmount": 0}, "a.b": {"netAmount": 0}}});
    assert_eq!(
        as_sent(&[r#"by_region["a.b"].net_amount"#], &sent),
        [r#"byRegion["a.b"].netAmount"#]
    );
}

#[test]
fn of_many_issues_the_first_are_named_and_the_answer_says_so() {
    let many = format!("[{}]", vec![r#"{"roomId":""}"#; 80].join(","));
    let found = issues::<Vec<Message>>(&many);
    assert_eq!(found.len(), 51);
    assert_eq!(found[49].0, "[49].roomId");
    assert_eq!(
        found[50],
        (String::new(), "there may be more: only the first 50 are listed".into())
    );
    let exact = format!("[{}]", vec![r#"{"roomId":""}"#; 50].join(","));
    assert_eq!(issues::<Vec<Message>>(&exact).len(), 50);
}

type Deep = BTreeMap<String, BTreeMap<String, BTreeMap<String, Price>>>;

#[test]
fn an_answer_is_short_whatever_was_sent() {
    let long = "\u{1}\"x".repeat(300_000);
    let key = serde_json::to_string(&long).unwrap();
    let deep = |value: &str| format!("{}{value}{}", format!("{{{key}:").repeat(3), "}".repeat(3));
    let keys = |n| (0..n).map(|n| format!(r#""{n}{}":{{"netAmount":0}}"#, "k".repeat(10_000)));
    for error in [
        RawPayload::new(&deep(r#"{"netAmount":0}"#)).parse::<Deep>().expect_err("a broken rule"),
        RawPayload::new(&deep(r#"{"netAmount":""}"#)).parse::<Deep>().expect_err("a wrong type"),
        RawPayload::new(&key).parse::<u32>().map(|_| ()).expect_err("a text"),
        RawPayload::new(&format!("{{{key}:1}}"))
            .parse::<Unknown>()
            .map(|_| ())
            .expect_err("a field"),
        RawPayload::new(&key).parse::<Kind>().map(|_| ()).expect_err("a variant"),
        RawPayload::new(&format!("{{{}}}", keys(100).collect::<Vec<_>>().join(",")))
            .parse::<BTreeMap<String, Price>>()
            .map(|_| ())
            .expect_err("many long keys"),
    ] {
        let length = error.message().len() + serde_json::to_string(error.issues()).unwrap().len();
        assert!(length < 64 * 1024, "{length} bytes");
        assert!(!error.issues().is_empty());
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Unknown {}

#[derive(Debug, Deserialize, JsonSchema)]
enum Kind {
    One,
}

impl Payload for Unknown {}
impl Payload for Kind {}

/// The time that this thread has computed, in nanoseconds.
#[cfg(target_os = "linux")]
fn computed() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("schedstat");
    text.split(' ').next().and_then(|nanos| nanos.parse().ok()).expect("nanoseconds")
}

#[cfg(target_os = "linux")]
#[derive(Debug, Serialize, Deserialize, JsonSchema, garde::Validate)]
#[serde(rename_all = "camelCase")]
struct Chat {
    #[garde(dive)]
    chat_items: Vec<Message>,
}

#[cfg(target_os = "linux")]
impl Payload for Chat {
    fn check(&self, issues: &mut Issues) {
        issues.garde(self);
    }
}

/// What it is, what refuses it, and a text of it with so many parts.
#[cfg(target_os = "linux")]
type Input<'a> = (&'a str, fn(&str) -> Error, &'a dyn Fn(usize) -> String);

#[cfg(target_os = "linux")]
#[test]
fn what_an_error_costs_grows_with_the_input_and_not_with_its_square() {
    let items = |n| vec![r#"{"roomId":""}"#; n].join(",");
    let others = |n| {
        (0..n).fold(String::new(), |mut keys, n| {
            let _ = write!(keys, "\"A{n:05}\":0,");
            keys
        })
    };
    let inputs: [Input<'_>; 5] = [
        ("many keys and many issues", refused::<Chat>, &|n| {
            format!("{{{}\"chatItems\":[{}]}}", others(n), items(n))
        }),
        ("many issues", refused::<Vec<Message>>, &|n| format!("[{}]", items(2 * n))),
        ("keys with dots", refused::<Prices>, &|n| {
            let regions = (0..n).map(|n| format!(r#""a.b.{n}":{{"netAmount":0}}"#));
            format!(r#"{{"byRegion":{{{}}}}}"#, regions.collect::<Vec<_>>().join(","))
        }),
        ("a long key", refused::<Prices>, &|n| {
            format!(r#"{{"byRegion":{{"{}":{{"netAmount":0}}}}}}"#, "a.".repeat(20 * n))
        }),
        ("a wrong type at the end", refused::<Chat>, &|n| {
            format!("{{{}\"chatItems\":[{},7]}}", others(n), items(n))
        }),
    ];
    for (name, refused, input) in inputs {
        let cost = |n: usize, times: usize| {
            let json = input(n);
            let once = |_| {
                let start = computed();
                for _ in 0..times {
                    assert!(!refused(&json).issues().is_empty());
                }
                computed() - start
            };
            (0..3).map(once).min().unwrap_or_default()
        };
        let (small, large) = (cost(2000, 8), cost(16_000, 1));
        // With a cost that is linear both are the same work; the clock goes by milliseconds.
        let most = 3 * small.max(10_000_000);
        assert!(large < most, "{name}: {small} ns in eight parts, {large} ns as one");
    }
}

#[cfg(target_os = "linux")]
fn refused<T: InputPayload>(json: &str) -> Error {
    match RawPayload::new(json).parse::<T>() {
        Ok(_) => unreachable!("every input is wrong"),
        Err(error) => error,
    }
}
