//! The input of requests, from the query or the body.

mod body;
mod query;

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use futures_util::stream;
use http::request::Parts;
use http::{HeaderValue, Request, StatusCode, header};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::*;
use crate::http::input::{RawInput, no_input};
use crate::payload::{InputPayload, Payload, RawPayload};

#[derive(Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema, garde::Validate)]
#[serde(rename_all = "camelCase", default)]
struct Page {
    #[garde(range(max = 100))]
    limit: Option<u32>,
    #[garde(skip)]
    title: String,
    #[garde(skip)]
    open: bool,
    #[garde(skip)]
    tags: Vec<String>,
    #[garde(skip)]
    since: Option<String>,
    #[garde(skip)]
    min_score: Option<f64>,
    #[garde(skip)]
    counts: HashMap<String, u32>,
    #[garde(skip)]
    cursor: Option<String>,
}

impl Payload for Page {
    fn check(&self, issues: &mut crate::payload::Issues) {
        issues.garde(self);
    }
}

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct New {
    room_id: String,
    count: u8,
    note: Option<String>,
}

impl Payload for New {}

fn decoded_as<T: InputPayload>(sent: RawInput<'_>) -> Result<Option<T>> {
    let json = sent.text(TypeSchema::of::<T>())?;
    json.map(|json| RawPayload::new(&json).parse()).transpose()
}

/// The input of a request that brought none.
fn missing<T: InputPayload>() -> Result<T> {
    let mut texts = RawInput::query(None).texts(TypeSchema::of::<T>())?;
    while let Some(text) = texts.next() {
        match T::decode(&RawPayload::new(text)) {
            Ok(value) => return Ok(value),
            Err(error) => texts.refused(error),
        }
    }
    Err(texts.refusal())
}

fn query<T: InputPayload>(query: &str) -> Result<Option<T>> {
    decoded_as(RawInput::query(Some(query)))
}

fn page(text: &str) -> Page {
    query(text).unwrap().unwrap()
}

async fn posted<T: InputPayload>(parts: &Parts, body: Body, limit: usize) -> Result<Option<T>> {
    decoded_as(RawInput::body(&parts.headers, body, limit).await?)
}

async fn post_as<T: InputPayload>(content_type: Option<&str>, body: Body) -> Result<Option<T>> {
    let mut request = Request::post("/");
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    let (parts, body) = request.body(body).unwrap().into_parts();
    posted(&parts, body, 1000).await
}

async fn post<T: InputPayload>(body: impl Into<Body>) -> Result<Option<T>> {
    post_as(Some("application/json"), body.into()).await
}

fn chunks(chunks: &[&'static str]) -> Body {
    let chunks: Vec<Result<_, std::io::Error>> = chunks.iter().map(|chunk| Ok(*chunk)).collect();
    Body::from_stream(stream::iter(chunks))
}

fn issues<T: std::fmt::Debug>(result: Result<T>) -> Vec<(String, String)> {
    let error = result.unwrap_err();
    assert_eq!(error.status(), StatusCode::UNPROCESSABLE_ENTITY, "{error:?}");
    error.issues().iter().map(|issue| (issue.path.clone(), issue.message.clone())).collect()
}

#[tokio::test]
async fn every_request_of_the_stock_client_is_understood() {
    let fixtures = crate::http::superjson::tests::fixtures();
    for case in fixtures["requests"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let expected: Option<Value> =
            case["plain"].as_str().map(|text| serde_json::from_str(text).unwrap());
        let get = case["get"].as_str();
        let body = case["post"].as_str().unwrap_or_default().to_owned();
        let (got, posted) = match name {
            "none" | "null" => {
                assert_eq!(query::<Page>(get.unwrap()).unwrap(), None, "{name}");
                assert_eq!(post::<Page>(body).await.unwrap(), None, "{name}");
                continue;
            }
            "text" => (None, json!(post::<String>(body).await.unwrap().unwrap())),
            "number" => (None, json!(post::<u8>(body).await.unwrap().unwrap())),
            "array" | "long array" | "empty array" => {
                let got = query::<Vec<u8>>(get.unwrap()).unwrap();
                let got = got.map_or_else(missing::<Vec<u8>>, Ok).unwrap();
                (Some(json!(got)), json!(post::<Vec<u8>>(body).await.unwrap().unwrap()))
            }
            "array of objects" => {
                let got = query::<Vec<HashMap<String, Value>>>(get.unwrap()).unwrap();
                let posted = post::<Vec<HashMap<String, Value>>>(body).await.unwrap();
                (Some(json!(got.unwrap())), json!(posted.unwrap()))
            }
            "map" => {
                let expected = HashMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)]);
                assert_eq!(page(get.unwrap()).counts, expected);
                assert_eq!(post::<Page>(body).await.unwrap().unwrap().counts, expected);
                continue;
            }
            "empty object" => {
                assert_eq!(query::<Page>(get.unwrap()).unwrap(), None);
                assert_eq!(missing::<Page>().unwrap(), Page::default());
                assert_eq!(post::<Page>(body).await.unwrap().unwrap(), Page::default());
                continue;
            }
            _ => {
                let expected: Page = serde_json::from_value(expected.unwrap()).unwrap();
                assert_eq!(page(get.unwrap()), expected, "{name}");
                assert_eq!(post::<Page>(body).await.unwrap().unwrap(), expected, "{name}");
                continue;
            }
        };
        assert_eq!(got.unwrap_or(posted.clone()), expected.clone().unwrap(), "{name}");
        assert_eq!(posted, expected.unwrap(), "{name}");
    }
}
