//! What the handlers of `get` and `post` take from a request beside their input.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::request::Parts;

/// An extractor of axum's kind, for `get` and `post`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an extractor for a router with the state `{S}`",
    label = "not an extractor",
    note = "extractors first, the input last; the input needs `input = …` in `#[procedure]`",
    note = "`State<T>` needs `T: FromRef<{S}>`"
)]
pub trait RequestExtractor<S>: Sized + Send {
    /// Extracts it, or answers the request with the rejection.
    fn extract(parts: &mut Parts, state: &S)
    -> impl Future<Output = Result<Self, Response>> + Send;
}

#[diagnostic::do_not_recommend]
impl<T: FromRequestParts<S> + Send, S: Send + Sync> RequestExtractor<S> for T {
    async fn extract(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match T::from_request_parts(parts, state).await {
            Ok(extracted) => Ok(extracted),
            Err(rejection) => Err(rejection.into_response()),
        }
    }
}
