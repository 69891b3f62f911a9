//! From routes to the contract, and to its documents.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Contract, OutputContract};
use crate::http::SuperJson;
use crate::payload::{EventPayload, Payload};
use crate::procedure::ProcedureInfo;

macro_rules! payloads {
    ($($type:ty)*) => { $(impl Payload for $type {})* };
}

/// A generic type.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Page<T> {
    items: Vec<T>,
}

impl<T: Payload> Payload for Page<T> {}

#[derive(Serialize, Deserialize, JsonSchema)]
struct User {
    name: String,
}

mod admin {
    use super::{Deserialize, JsonSchema, Serialize};

    #[derive(Serialize, Deserialize, JsonSchema)]
    pub(super) struct User {
        pub(super) level: u8,
    }
}

/// Differs by the way it travels.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Post {
    title: String,
    #[serde(default)]
    draft: bool,
    #[schemars(extend("format" = "date-time"))]
    at: String,
}

/// Contains a type that differs by direction.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Thread {
    posts: Vec<Post>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct PostInput {
    other: u8,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Wide {
    id: u64,
    nested: Vec<(String, Option<i64>)>,
    small: u32,
    count: usize,
    #[schemars(extend("x-safe-integer" = true))]
    safe: u64,
    #[schemars(range(min = -5, max = 5))]
    ranged: i64,
    #[schemars(range(max = 9_007_199_254_740_992_u64))]
    too_far: u64,
    #[schemars(with = "String")]
    text: u64,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Query {
    limit: Option<u32>,
    tags: Vec<String>,
}

/// Parts that may be missing beside parts of its own.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Settings {
    own: u8,
    #[serde(flatten)]
    mode: Option<Mode>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
enum Mode {
    Fast(u8),
    Slow { why: String },
}

/// The same twice.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Both {
    #[serde(flatten)]
    mode: Option<Mode>,
    #[serde(flatten)]
    kind: Option<Kind>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind")]
enum Kind {
    A { a: u8 },
    B,
}

payloads! { User admin::User Post Thread PostInput Wide Query Settings Both }

type Routes = Vec<(String, ProcedureInfo)>;

fn echo<T: EventPayload>(path: &str) -> (String, ProcedureInfo) {
    (path.to_owned(), ProcedureInfo::post::<T, _>("echo").input(crate::__private::inputs::<T>()))
}

fn contract(routes: Routes) -> Contract {
    Contract::new("/api", routes)
}

fn names(contract: &Contract) -> Vec<&str> {
    contract.types().map(|(name, _)| name).collect()
}

#[test]
fn names_do_not_depend_on_the_order_of_registration() {
    let routes = || {
        vec![
            echo::<Page<User>>("a/users"),
            echo::<Page<admin::User>>("b/admins"),
            echo::<Page<Page<User>>>("c/pages"),
            echo::<Page<u8>>("d/numbers"),
        ]
    };
    // Other paths in the same order: the generator sees the types the other way around.
    let reversed: Routes = routes()
        .into_iter()
        .zip(["z", "y", "x", "w"])
        .map(|((_, info), path)| (path.to_owned(), info))
        .collect();
    let expected = [
        "Page_Page_tests_User",
        "Page_admin_User",
        "Page_tests_User",
        "Page_uint8",
        "admin_User",
        "tests_User",
    ];
    let (one, other) = (contract(routes()), contract(reversed));
    assert_eq!(names(&one), expected);
    assert_eq!(one.types().collect::<Vec<_>>(), other.types().collect::<Vec<_>>());
    let page = one.types().find(|(name, _)| *name == "Page_admin_User").unwrap().1;
    assert_eq!(page["properties"]["items"]["items"]["$ref"], "#/$defs/admin_User");
}

#[test]
fn a_generic_type_keeps_its_name_when_another_instance_joins_it() {
    let alone = contract(vec![echo::<Page<User>>("a")]);
    assert_eq!(names(&alone), ["Page_User", "User"]);
    let joined = contract(vec![echo::<Page<User>>("a"), echo::<Page<u8>>("b")]);
    assert_eq!(names(&joined), ["Page_User", "Page_uint8", "User"]);
}

#[test]
fn a_type_has_two_names_where_its_two_schemas_differ_and_one_where_they_do_not() {
    let both = contract(vec![echo::<Thread>("a"), echo::<User>("b")]);
    assert_eq!(names(&both), ["Post", "PostInput", "Thread", "ThreadInput", "User"]);
    let input = ProcedureInfo::post::<(), _>("in").input(crate::__private::inputs::<Thread>());
    let one_way = contract(vec![("a".to_owned(), input)]);
    assert_eq!(names(&one_way), ["Post", "Thread"]);
}

#[test]
fn a_second_name_does_not_take_that_of_another_type() {
    let both = contract(vec![echo::<Post>("a"), echo::<PostInput>("b")]);
    assert_eq!(names(&both), ["Post", "PostInput", "PostInput2"]);
    let file = both.typescript().unwrap();
    assert!(file.contains("export interface PostInput {\n  other: number\n}"), "{file}");
    assert!(file.contains("a: PostProcedure<PostInput2, Post>"), "{file}");
}

#[test]
fn an_application_may_have_a_post_and_a_router_of_its_own() {
    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Router {
        name: String,
    }
    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Date {
        day: u8,
    }
    payloads! { Router Date }
    let routes = vec![echo::<Post>("a/b"), echo::<Router>("a/c"), echo::<Date>("a/d")];
    let file = contract(routes).typescript().unwrap();
    assert!(file.contains("export interface Post {"), "{file}");
    assert!(file.contains("export interface PostProcedure<In, Out>"), "{file}");
    assert!(file.contains("export interface Get<In, Out>"), "{file}");
    assert!(file.contains("export interface Router {"), "{file}");
    // The file needs JavaScript's.
    assert!(file.contains("export interface Date_ {"), "{file}");
}

#[test]
fn dates_are_dates_in_superjson_and_texts_in_json() {
    let get = ProcedureInfo::get::<SuperJson<Thread>, _>("dated");
    let routes = vec![("a/dated".to_owned(), get), echo::<Thread>("a/plain")];
    let contract = contract(routes);
    let file = contract.typescript().unwrap();
    assert!(file.contains("at: Date"), "{file}");
    assert!(file.contains("dated: Get<void, ThreadDates>"), "{file}");
    // Their JSON is the same, so the documents know one of the two.
    let schemas = &contract.openapi()["components"]["schemas"];
    assert!(schemas.get("ThreadDates").is_none() && schemas.get("Thread").is_some());
    assert!(!contract.openapi().to_string().contains("x-jstack"));
    let answer = &contract.openapi()["paths"]["/a/dated"]["get"]["responses"]["200"]["content"];
    assert_eq!(
        answer["application/json"]["schema"]["properties"]["json"]["$ref"],
        "#/components/schemas/Thread"
    );
}

#[test]
fn an_integer_that_javascript_rounds_is_an_error_with_type_field_and_remedy() {
    let error = contract(vec![echo::<Wide>("a")]).typescript().unwrap_err().to_string();
    let fields: Vec<_> = error.lines().filter(|line| line.contains("is rounded")).collect();
    assert_eq!(
        fields,
        [
            "field `id` of type `Wide`: u64 is rounded by JavaScript beyond 2^53 - 1",
            "field `nested[][1]` of type `Wide`: i64 is rounded by JavaScript beyond 2^53 - 1",
            "field `too_far` of type `Wide`: u64 is rounded by JavaScript beyond 2^53 - 1",
        ]
    );
    assert!(error.contains("x-safe-integer") && error.contains("with = \"String\""));
    let error = contract(vec![echo::<u64>("a")]).typescript().unwrap_err().to_string();
    assert!(error.contains("the input of `a`: u64") && error.contains("the answer of `a`: u64"));
}

#[test]
fn nothing_is_void_and_an_input_of_optional_fields_may_be_missing() {
    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Loose {
        limit: Option<u32>,
    }
    impl Payload for Loose {}
    let contract = contract(vec![
        (
            "a/nothing".to_owned(),
            ProcedureInfo::post::<(), _>("nothing").input(crate::__private::inputs::<()>()),
        ),
        (
            "a/loose".to_owned(),
            ProcedureInfo::get::<u8, _>("loose").input(crate::__private::inputs::<Loose>()),
        ),
        (
            "a/maybe".to_owned(),
            ProcedureInfo::get::<Option<u8>, _>("maybe")
                .input(crate::__private::optional_inputs::<User>()),
        ),
        ("a/raw".to_owned(), ProcedureInfo::get::<crate::Raw<String>, _>("raw")),
    ]);
    let file = contract.typescript().unwrap();
    assert!(file.contains("nothing: Post<void, void>"), "{file}");
    assert!(file.contains("loose: Get<Loose | void, number>"), "{file}");
    assert!(file.contains("maybe: Get<User | void, number | null>"), "{file}");
    assert!(file.contains("raw: Get<void, unknown>"), "{file}");
    assert!(matches!(contract.procedures()[2].output, Some(OutputContract::Void)));
}

#[test]
fn a_query_takes_scalars_as_they_are_and_the_rest_as_superjson() {
    let get = ProcedureInfo::get::<u8, _>("find").input(crate::__private::inputs::<Query>());
    let document = contract(vec![("post/find".to_owned(), get)]).openapi();
    let operation = &document["paths"]["/post/find"]["get"];
    assert_eq!(operation["operationId"], "post.find");
    assert_eq!(operation["tags"], json!(["post"]));
    let parameters = operation["parameters"].as_array().unwrap();
    let by_name = |name: &str| parameters.iter().find(|p| p["name"] == name).unwrap();
    assert_eq!(by_name("limit")["required"], false);
    assert_eq!(by_name("limit")["schema"]["type"], "integer");
    assert_eq!(by_name("tags")["required"], true);
    let tags = &by_name("tags")["content"]["application/json"]["schema"];
    assert_eq!(tags["properties"]["json"]["type"], "array");
}

#[test]
fn the_table_names_kind_path_and_place() {
    let table = contract(vec![echo::<User>("post/create")]).routes();
    assert!(table.starts_with("POST  /api/post/create  "), "{table}");
    assert!(table.contains("contract/tests.rs:"), "{table}");
}

#[test]
fn the_contract_serialises() {
    let contract = contract(vec![echo::<User>("post/create")]).title("Chat").version("1.2.3");
    let json = serde_json::to_value(&contract).unwrap();
    assert_eq!(json["procedures"][0]["kind"], "POST");
    assert_eq!(json["procedures"][0]["output"]["format"], "json");
    assert_eq!(json["types"]["User"]["properties"]["name"]["type"], "string");
    assert_eq!(contract.openapi()["info"], json!({ "title": "Chat", "version": "1.2.3" }));
}

#[cfg(debug_assertions)]
#[tokio::test]
async fn debug_builds_serve_the_documents() {
    for (file, start) in [
        ("api.ts", "// Written"),
        ("api.stock.ts", "// Written"),
        ("openapi.json", "{"),
        ("asyncapi.json", "{"),
        ("contract.json", "{"),
    ] {
        let response = super::routes::route(&contract(vec![echo::<User>("a/b")]), file).unwrap();
        assert_eq!(response.status(), 200);
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        assert!(body.starts_with(start.as_bytes()), "{file}");
    }
    assert!(super::routes::route(&contract(vec![]), "other").is_none());
    let refused = super::routes::route(&contract(vec![echo::<Wide>("a/b")]), "api.ts").unwrap();
    assert_eq!(refused.status(), 500);
}

#[test]
fn an_empty_alternative_does_not_make_the_others_unknown() {
    let text =
        contract(vec![echo::<Settings>("post/settings"), echo::<Both>("post/both")]).typescript();
    let text = text.expect("names");
    let mode = "({ Fast: number } | { Slow: { why: string } } | { Fast?: never; Slow?: never })";
    assert!(text.contains(&format!("{{ own: number }} & {mode}")), "{text}");
    let kind = r#"({ a: number; kind: "A" } | { kind: "B" } | { a?: never; kind?: never })"#;
    assert!(text.contains(&format!("{mode} & {kind}")), "{text}");
}
