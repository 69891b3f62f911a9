//! The rules of `#[garde(…)]` say the same of every value, whoever decides them.

use std::borrow::Cow;

use jstack_runtime::Issues;
use jstack_runtime::prelude::*;
use proptest::prelude::*;

/// Rules that a fast check decides for most values.
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

mod answers {
    //! What a handler answers keeps the rules that its type declares, wherever they are inside.
    use super::*;

    #[derive(Clone, Serialize, Deserialize, JsonSchema, Validate, Payload)]
    pub struct Ruled {
        #[garde(range(max = 3))]
        x: u32,
    }

    /// Rules that `garde` knows, and nobody else.
    #[derive(Serialize, JsonSchema, Validate)]
    pub struct Validated {
        #[garde(range(max = 3))]
        x: u32,
    }

    /// No rules, and nothing derived but what an answer needs.
    #[derive(Serialize, JsonSchema)]
    pub struct Plain {
        x: u32,
        list: Vec<Option<Box<str>>>,
        any: serde_json::Value,
        map: std::collections::HashMap<String, std::net::IpAddr>,
        id: uuid::Uuid,
    }

    type Alias = Result<Plain>;

    macro_rules! answers {
        ($($name:ident: $type:ty = $value:expr,)*) => { $(
            #[procedure(get)]
            pub async fn $name() -> $type {
                $value
            }
        )* };
    }

    const R: Ruled = Ruled { x: 9 };

    answers! {
        ruled: Ruled = R,
        optional: Option<Ruled> = Some(R),
        listed: Vec<Ruled> = vec![R],
        result: Result<Ruled> = Ok(R),
        result_of_option: Result<Option<Ruled>> = Ok(Some(R)),
        pair: (u8, Ruled) = (1, R),
        array: [Ruled; 1] = [R],
        superjson: SuperJson<Ruled> = SuperJson(R),
        superjson_of_list: SuperJson<Vec<Ruled>> = SuperJson(vec![R]),
        result_of_superjson: Result<SuperJson<Ruled>> = Ok(SuperJson(R)),
        validated: Validated = Validated { x: 9 },
        result_of_validated: Result<Validated> = Ok(Validated { x: 9 }),
    }

    answers! {
        plain: Plain = a_plain_one(),
        plain_alias: Alias = Ok(a_plain_one()),
        plain_list: Result<Vec<Plain>> = Ok(vec![a_plain_one()]),
        plain_pair: (u8, Plain) = (1, a_plain_one()),
        plain_superjson: SuperJson<Plain> = SuperJson(a_plain_one()),
        whole: Ruled = Ruled { x: 3 },
        text: &'static str = "text",
    }

    fn a_plain_one() -> Plain {
        Plain {
            x: 9,
            list: vec![None],
            any: serde_json::Value::Null,
            map: std::collections::HashMap::new(),
            id: uuid::Uuid::nil(),
        }
    }

    async fn status(app: &axum::Router, name: &str) -> u16 {
        use tower::ServiceExt as _;
        let request = axum::http::Request::get(format!("/api/a/{name}"))
            .body(axum::body::Body::empty())
            .expect("a request");
        app.clone().oneshot(request).await.expect("an answer").status().as_u16()
    }

    #[tokio::test]
    async fn a_rule_that_an_answer_breaks_is_a_500_wherever_it_is() {
        let router = router![
            ruled,
            optional,
            listed,
            result,
            result_of_option,
            pair,
            array,
            superjson,
            superjson_of_list,
            result_of_superjson,
            validated,
            result_of_validated,
            plain,
            plain_alias,
            plain_list,
            plain_pair,
            plain_superjson,
            whole,
            text,
        ];
        let names: Vec<String> =
            router.describe().procedures().iter().map(|each| each.path.clone()).collect();
        let app = App::new().mount("a", router).into_router();
        for name in names {
            let keeps = name.starts_with("plain") || name == "whole" || name == "text";
            assert_eq!(status(&app, &name).await, if keeps { 200 } else { 500 }, "{name}");
        }
    }
}
