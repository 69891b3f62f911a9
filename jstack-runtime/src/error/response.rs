//! `Error` as the answer to an HTTP request.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};

use super::error::Inner;
use super::{Error, Issue};

/// The error in the response's extensions. The answer is rewritten from it as a problem document,
/// for a client that accepts one.
#[derive(Clone)]
pub(crate) struct ErrorBody {
    pub(crate) code: Cow<'static, str>,
    pub(crate) message: Cow<'static, str>,
    pub(crate) issues: Vec<Issue>,
    pub(crate) retry_after: Option<Duration>,
}

/// The cause of a failure on its way to the log.
#[derive(Clone)]
pub(crate) struct Cause(pub(crate) Arc<str>);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let Inner { status, code, message, issues, source, retry_after } = *self.inner;
        let mut response = Response::new(message.clone().into_owned().into());
        *response.status_mut() = status;
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        if let Some(after) = retry_after {
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(cause) = source {
            response.extensions_mut().insert(Cause(cause.to_string().into()));
        }
        response.extensions_mut().insert(ErrorBody { code, message, issues, retry_after });
        response
    }
}
