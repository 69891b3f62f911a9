//! Refusals: an answer that a handler or an extractor gave, read again as an error.

use std::borrow::Cow;
use std::time::Duration;

use axum::response::Response;
use http::header;
use http_body_util::{BodyExt as _, Collected, Limited};

use crate::error::{Cause, Error, ErrorBody};
use crate::{observe, platform};

/// The longest body that is read as a message, in bytes.
const LONGEST: usize = 4096;

/// The error that an answer stands for: the one that it was made of, or its status with its text.
pub(crate) async fn error_of(mut response: Response) -> Error {
    let status = response.status();
    if let Some(ErrorBody { code, message, issues, retry_after }) =
        response.extensions_mut().remove::<ErrorBody>()
    {
        let error = Error::with_code(status, code, message).with_issues(issues);
        return match retry_after {
            Some(after) => error.retry_after(after),
            None => error,
        };
    }
    let after = response.headers().get(header::RETRY_AFTER);
    let after: Option<u64> = after.and_then(|seconds| seconds.to_str().ok()?.parse().ok());
    let text = Limited::new(response.into_body(), LONGEST).collect().await;
    let text = text.map(Collected::to_bytes).unwrap_or_default();
    let message = match std::str::from_utf8(&text) {
        Ok(text) if !text.is_empty() && !status.is_server_error() => text.to_owned(),
        _ => status.canonical_reason().unwrap_or("refused").to_owned(),
    };
    let code: Cow<'static, str> = crate::protocol::frames::status_code(status.as_u16()).into();
    let error = Error::with_code(status, code, message);
    match after {
        Some(seconds) => error.retry_after(Duration::from_secs(seconds)),
        None => error,
    }
}

/// Logs what the client must not learn of an answer, under an id that the client learns.
pub(crate) fn log_failure(response: &mut Response) -> String {
    let cause = response.extensions_mut().remove::<Cause>().map(|cause| cause.0);
    let code = response.extensions().get::<ErrorBody>().map(|body| body.code.clone());
    let id = format!("{:016x}", platform::random());
    observe::error!(
        request_id = id,
        status = response.status().as_u16(),
        code = code.as_deref().unwrap_or("none"),
        cause = ?cause.as_deref().unwrap_or("none"),
        "request failed"
    );
    id
}
