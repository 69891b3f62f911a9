//! Errors as RFC 9457 problem documents, for clients that ask for them.

use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;

use crate::error::{ErrorBody, Issue};

const PROBLEM: &str = "application/problem+json";

/// Whether the request's `accept` names problem documents, and not plain text before them.
pub(crate) fn wanted(request: &HeaderMap) -> bool {
    let (mut problem, mut text) = (0, 0);
    for value in request.get_all(header::ACCEPT) {
        let Ok(value) = value.to_str() else { continue };
        for range in value.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let rank = match name {
                _ if name.eq_ignore_ascii_case(PROBLEM) => &mut problem,
                _ if name.eq_ignore_ascii_case("text/plain") => &mut text,
                _ => continue,
            };
            *rank = parts.find_map(quality).unwrap_or(1000);
        }
    }
    problem > 0 && problem >= text
}

/// The thousandths of a `q=0.8`; `None` for another parameter. An invalid quality counts as 0.
fn quality(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let value = value.trim();
    let (whole, part) = value.split_once('.').unwrap_or((value, ""));
    if part.len() > 3 || !part.bytes().all(|b| b.is_ascii_digit()) {
        return Some(0);
    }
    Some(match whole {
        "0" => format!("{part:0<3}").parse().unwrap_or(0),
        "1" => 1000,
        _ => 0,
    })
}

/// The document; `type` is left out, which means `about:blank`.
#[derive(Serialize)]
struct Document<'a> {
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Issue],
}

/// Rewrites an [`Error`](crate::Error)'s answer as a problem document. Leaves answers alone that did
/// not come from `Error`, or were rewritten already.
pub(crate) fn rewrite(response: &mut Response) {
    let Some(body) = response.extensions_mut().remove::<ErrorBody>() else { return };
    let status = response.status();
    let document = Document {
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        detail: &body.message,
        code: &body.code,
        errors: &body.issues,
    };
    let Ok(body) = serde_json::to_vec(&document) else { return };
    *response.body_mut() = body.into();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
    headers.append(header::VARY, HeaderValue::from_static("accept"));
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;
    use http_body_util::BodyExt as _;
    use serde_json::{Value, json};

    use super::*;
    use crate::error::Error;

    #[test]
    fn a_client_must_ask_for_problem_documents_by_name() {
        for (accept, expected) in [
            (&[][..], false),
            (&[""], false),
            (&["*/*"], false),
            (&["application/*"], false),
            (&["application/json"], false),
            (&["application/problem+jsonx"], false),
            (&["application/problem+json"], true),
            (&["Application/Problem+JSON"], true),
            (&["text/html, application/problem+json;q=0.1, */*;q=0.5"], true),
            (&["application/json", "application/problem+json"], true),
            (&["application/problem+json ; charset=utf-8 ; q=1.000"], true),
            (&["application/problem+json;q=0.001"], true),
            (&["application/problem+json;q=0"], false),
            (&["application/problem+json;Q = 0.000"], false),
            (&["application/problem+json;q=0.0001"], false),
            (&["application/problem+json;q=2"], false),
            (&["application/problem+json;q="], false),
            (&["application/problem+json;q=0.5, text/plain"], false),
            (&["application/problem+json, text/plain;q=0.9"], true),
            (&["\u{fc}", "application/problem+json"], true),
        ] {
            let mut headers = HeaderMap::new();
            for value in accept {
                let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
                headers.append(header::ACCEPT, value);
            }
            assert_eq!(wanted(&headers), expected, "{accept:?}");
        }
    }

    async fn body(response: Response) -> Value {
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn an_error_becomes_a_document_with_each_issue() {
        let issues = vec![Issue::new("author.name", "is missing"), Issue::new("", "is odd")];
        let mut response = Error::invalid(issues).into_response();
        rewrite(&mut response);
        assert_eq!(response.status(), 422);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert_eq!(response.headers()["vary"], "accept");
        assert_eq!(
            body(response).await,
            json!({
                "title": "Unprocessable Entity",
                "status": 422,
                "detail": "author.name: is missing; is odd",
                "code": "invalid",
                "errors": [
                    {"path": "author.name", "message": "is missing"},
                    {"path": "", "message": "is odd"},
                ],
            })
        );
    }

    #[tokio::test]
    async fn a_document_leaks_no_cause_either() {
        let mut response = Error::internal("disk is full").into_response();
        rewrite(&mut response);
        let body = body(response).await;
        assert_eq!(body["detail"], "Internal Server Error");
        assert!(!body.to_string().contains("disk"), "{body}");
        assert_eq!(body.get("errors"), None);
    }

    #[tokio::test]
    async fn what_is_no_error_of_ours_stays_as_it_is() {
        let mut response = (http::StatusCode::NOT_FOUND, "nothing").into_response();
        rewrite(&mut response);
        assert_eq!(response.headers()["content-type"], "text/plain; charset=utf-8");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "nothing");
    }
}
