//! Errors as RFC 9457 problem documents, for clients that ask for them.

use axum::response::Response;
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;

use crate::error::{Issue, Told};

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

/// The thousandths of a `q=0.8`; `None` for another parameter. What is no quality counts as 0.
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

/// The document; `type` is left out, which stands for `about:blank`.
#[derive(Serialize)]
struct Document<'a> {
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [Issue],
}

/// Writes an [`Error`](crate::Error)'s answer anew as a problem document. An answer that is
/// none, or that somebody has rewritten already, stays as it is.
pub(crate) fn rewrite(response: &mut Response) {
    let Some(told) = response.extensions_mut().remove::<Told>() else { return };
    let status = response.status();
    let document = Document {
        title: status.canonical_reason().unwrap_or("Error"),
        status: status.as_u16(),
        detail: &told.message,
        code: &told.code,
        errors: &told.issues,
    };
    let Ok(body) = serde_json::to_vec(&document) else { return };
    *response.body_mut() = body.into();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
    headers.append(header::VARY, HeaderValue::from_static("accept"));
}
