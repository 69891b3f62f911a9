use super::*;
use serde::Deserialize;
use serde_json::json;

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
    let error = Data::new(json).parse::<T>().expect_err(json);
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
    (&Rules(&Free)).check(&mut issues);
    let ok: Result<Vec<Message>> = Ok(vec![Message { room_id: String::new() }]);
    Rules(&ok).check(&mut issues);
    assert_eq!(issues.as_slice().len(), 3);
}

#[test]
fn names_are_found_through_arrays_and_renames() {
    let sent = json!({"outerList": [{"innerName": 1}]});
    let found = as_sent(vec![Issue::new("outer_list[0].inner_name", "x")], &sent);
    assert_eq!(found[0].path, "outerList[0].innerName");
}
