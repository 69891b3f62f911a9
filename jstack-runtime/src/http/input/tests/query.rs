//! From the query.

use super::*;

#[test]
fn a_query_may_be_written_by_hand() {
    assert_eq!(page("limit=5").limit, Some(5));
    assert_eq!(
        page("open=true&minScore=-1.5e3"),
        Page { open: true, min_score: Some(-1500.0), ..Page::default() }
    );
    assert_eq!(page("minScore=5").min_score, Some(5.0));
    assert_eq!(page("title=a+b%20c%2B").title, "a b c+");
    assert_eq!(page("title=5").title, "5");
    assert_eq!(page("title=true").title, "true");
    assert_eq!(page("cursor=null").cursor.as_deref(), Some("null"));
    assert_eq!(page("title=%7B%22a%22:1%7D").title, r#"{"a":1}"#);
    assert_eq!(page("title").title, "");
    assert_eq!(page("ti%74le=x").title, "x");
    assert_eq!(page("title=100%&tags=%7B%22json%22:[]%7D").title, "100%");
    assert_eq!(page("title=%zz%4").title, "%zz%4");
    assert_eq!(page("title=%ff").title, "\u{fffd}");
    assert_eq!(page("&&title=a=b&").title, "a=b");
    assert_eq!(page("utm_source=x&limit=5").limit, Some(5));
    assert_eq!(query::<HashMap<String, u32>>("a=1&b=2").unwrap().unwrap()["b"], 2);
    assert_eq!(query::<HashMap<String, Value>>("a=1").unwrap().unwrap()["a"], "1");
}

#[test]
fn what_is_not_the_number_it_must_be_is_refused_by_name() {
    for text in ["five", "", "05", "+5", "5x", "%205", "0x5", "true", "null", "1e999"] {
        let found = issues(query::<Page>(&format!("limit={text}")));
        assert_eq!(found[0].0, "limit", "{text}");
    }
    assert_eq!(issues(query::<Page>("minScore=NaN"))[0].0, "minScore");
    assert_eq!(issues(query::<Page>("open=1"))[0].0, "open");
    assert_eq!(issues(query::<Page>("limit=-1"))[0].0, "limit");
}

#[test]
fn of_repeated_keys_the_first_counts() {
    assert_eq!(page("limit=1&limit=2&limit=x").limit, Some(1));
    assert_eq!(page("title=%7B%22json%22:%22a%22%7D&title=b").title, "a");
    let undefined = "limit=%7B%22json%22:null,%22meta%22:%7B%22values%22:[%22undefined%22]%7D%7D";
    assert_eq!(page(&format!("{undefined}&limit=7")).limit, None);
}

#[test]
fn a_plain_text_is_a_number_only_where_no_text_is_allowed() {
    #[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    #[serde(untagged)]
    enum Id {
        Number(u32),
        Text(String),
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    struct Wrapped(u32);
    #[derive(Debug, Serialize, Deserialize, JsonSchema)]
    struct Flat {
        #[serde(flatten)]
        page: Page,
        id: Option<Id>,
        wrapped: Option<Wrapped>,
    }
    impl Payload for Flat {}
    assert_eq!(query::<Flat>("id=5").unwrap().unwrap().id, Some(Id::Text("5".into())));
    assert_eq!(query::<Flat>("wrapped=5").unwrap().unwrap().wrapped, Some(Wrapped(5)));
    assert_eq!(query::<Flat>("limit=5").unwrap().unwrap().page.limit, Some(5));
}

#[test]
fn no_query_is_no_input() {
    assert_eq!(RawInput::query(None).text(TypeSchema::of::<Page>()).unwrap(), None);
    for text in ["", "&", "&&"] {
        assert_eq!(query::<Page>(text).unwrap(), None, "{text}");
    }
}

#[test]
fn missing_input_is_the_default_or_names_every_field_that_is_required() {
    assert_eq!(missing::<Page>().unwrap(), Page::default());
    assert_eq!(missing::<Option<New>>().unwrap(), None);
    // Also where all fields may be missing.
    assert_eq!(missing::<Option<Page>>().unwrap(), None);
    missing::<()>().unwrap();
    assert!(missing::<HashMap<String, u8>>().unwrap().is_empty());
    let required =
        [("roomId".to_owned(), "is missing".to_owned()), ("count".into(), "is missing".into())];
    assert_eq!(issues(missing::<New>()), required);
    assert_eq!(issues(missing::<Box<New>>()), required);
    assert_eq!(issues(missing::<u32>()), [(String::new(), "the input is missing".to_owned())]);
    assert_eq!(issues(missing::<String>())[0].1, "the input is missing");
}

#[test]
fn what_breaks_a_rule_is_named_as_the_client_named_it() {
    let found = issues(query::<Page>("limit=101"));
    assert_eq!(found[0].0, "limit");
    assert!(found[0].1.contains("100"), "{found:?}");
    assert_eq!(issues(query::<New>("roomId=a")), [("count".into(), "is missing".into())]);
    let found = issues(query::<New>("roomId=%7B%22json%22:5%7D&count=1"));
    assert_eq!(found[0].0, "roomId");
}
