//! The rules of `#[garde(…)]` say the same of every value, whoever decides them.

use std::borrow::Cow;

use jstack_runtime::Issues;
use jstack_runtime::prelude::*;
use proptest::prelude::*;

/// Rules that are decided at sight where that is certain.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
struct Post {
    #[garde(length(chars, min = 2, max = 5))]
    title: String,
    #[garde(length(chars, min = 1, max = 4))]
    body: Cow<'static, str>,
    #[garde(length(chars, max = 3))]
    author: Option<Box<str>>,
    #[garde(range(min = 1, max = 9))]
    stars: u8,
    #[garde(range(min = 3))]
    replies: Option<i64>,
    #[garde(skip)]
    pinned: bool,
}

/// The same with a rule that never is.
#[derive(Validate, Serialize, Deserialize, JsonSchema, Payload)]
struct Pair(#[garde(length(chars, max = 1))] String, #[garde(ascii)] String);

fn text() -> impl Strategy<Value = String> {
    "[aé日😀]{0,6}"
}

fn broken(payload: &impl Payload) -> Vec<String> {
    let mut issues = Issues::default();
    payload.check(&mut issues);
    issues.as_slice().iter().map(|issue| issue.path.clone()).collect()
}

fn broken_by_garde(value: &impl Validate<Context = ()>) -> Vec<String> {
    let Err(report) = value.validate() else { return Vec::new() };
    report.iter().map(|(path, _)| path.to_string()).collect()
}

proptest! {
    #[test]
    fn a_payload_breaks_the_rules_that_garde_says_it_breaks(
        (title, body, author) in (text(), text(), proptest::option::of(text())),
        (stars, replies, pinned) in (0..12_u8, proptest::option::of(0..6_i64), any::<bool>()),
    ) {
        let (body, author) = (Cow::from(body), author.map(Box::from));
        let post = Post { title, body, author, stars, replies, pinned };
        prop_assert_eq!(broken(&post), broken_by_garde(&post));
    }

    #[test]
    fn a_rule_that_is_never_certain_runs(one in text(), other in text()) {
        let pair = Pair(one, other);
        prop_assert_eq!(broken(&pair), broken_by_garde(&pair));
    }
}
