//! What a procedure answers: JSON, superjson, and any response of axum's.

use std::any::TypeId;
use std::convert::Infallible;
use std::marker::PhantomData;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use schemars::JsonSchema;
use serde::Serialize;

use crate::error::{Error, IntoError};
use crate::http::superjson::{self, IS_SUPERJSON};
use crate::payload::{Described, Issues, Payload, SchemaOf, write_json};

/// What a procedure answers: `Err` is an answer as well, that of a refused request.
pub type Reply = std::result::Result<Response, Response>;

/// What is known of an answer at compile time.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub struct OutputInfo {
    pub(crate) schema: SchemaOf,
    pub(crate) superjson: bool,
    /// The answer is `()`.
    pub(crate) void: bool,
}

/// What a `get` or `post` handler may return.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the answer of a procedure",
    label = "not an answer",
    note = "an answer is `T` or `Result<T, E>` where `T` derives `Serialize` and `JsonSchema`, or `SuperJson<T>`, `()`, `Raw<impl IntoResponse>`, and `E` is `Error` or turns into one"
)]
pub trait Answer<M>: Sized {
    /// What is known of it at compile time.
    #[doc(hidden)]
    const INFO: Option<OutputInfo>;
    /// Writes it.
    fn answer(self) -> Reply;
}

/// Tells apart the ways of implementing [`Answer`].
#[doc(hidden)]
#[derive(Debug)]
pub struct Json(Infallible);
/// Tells apart the ways of implementing [`Answer`].
#[doc(hidden)]
#[derive(Debug)]
pub struct Fallible<M>(Infallible, PhantomData<M>);
/// Tells apart the ways of implementing [`Answer`].
#[doc(hidden)]
#[derive(Debug)]
pub struct Special(Infallible);

#[diagnostic::do_not_recommend]
impl<T: serde::Serialize + JsonSchema + 'static> Answer<Json> for T {
    const INFO: Option<OutputInfo> =
        Some(OutputInfo { schema: <T as Described>::described, superjson: false, void: false });

    fn answer(self) -> Reply {
        if TypeId::of::<T>() == TypeId::of::<()>() {
            return Ok(void());
        }
        let mut body = buffer();
        let written = write_json(&self, &mut body);
        json(body, written)
    }
}

impl<T: Answer<M>, M, E: IntoError> Answer<Fallible<M>> for Result<T, E> {
    const INFO: Option<OutputInfo> = T::INFO;

    // With the expansion, as in `macros`: `Result` is of no module of the user's.
    #[allow(clippy::inline_always, reason = "what is inlined is compiled where it is called")]
    #[inline(always)]
    fn answer(self) -> Reply {
        match self {
            Ok(value) => value.answer(),
            Err(error) => Err(error.error().into_response()),
        }
    }
}

/// What a procedure answers that returns nothing: an empty body would make the stock client's
/// `.json()` throw.
const VOID: &str = r#"{"json":null,"meta":{"values":["undefined"]}}"#;

/// Most answers are small; one allocation is enough for them.
const SMALL: usize = 256;

/// Answers `()`.
fn void() -> Response {
    superjson_body(VOID.into())
}

/// Where an answer is written.
fn buffer() -> Vec<u8> {
    Vec::with_capacity(SMALL)
}

/// Answers with the JSON in `body`, unless it could not be written.
fn json(body: Vec<u8>, written: serde_json::Result<()>) -> Reply {
    match written {
        Ok(()) => Ok(json_body(body.into())),
        Err(error) => Err(unencodable(&error)),
    }
}

fn json_body(body: Body) -> Response {
    let mut response = Response::new(body);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

fn superjson_body(body: Body) -> Response {
    let mut response = json_body(body);
    response.headers_mut().insert(IS_SUPERJSON, HeaderValue::from_static("true"));
    response
}

#[cold]
fn unencodable(error: &serde_json::Error) -> Response {
    Error::internal(format!("the answer does not encode: {error}")).into_response()
}

/// Answers with superjson: points in time arrive in the stock client as `Date`.
///
/// They are known by their schema, `format: date-time`, which `chrono::DateTime`,
/// `jiff::Timestamp` and others have. A calendar date (`format: date`) stays a text, because a
/// `Date` of it is another day west of Greenwich. Everything else is as in plain JSON.
///
/// ```
/// use jstack_runtime::prelude::*;
/// use jstack_runtime::SuperJson;
/// use jstack_runtime::__private::Answer;
///
/// #[derive(Serialize, JsonSchema)]
/// struct Post {
///     title: String,
///     #[schemars(extend("format" = "date-time"))]
///     at: String,
/// }
///
/// let post = Post { title: "Hello".into(), at: "2026-01-02T03:04:05Z".into() };
/// let response = SuperJson(post).answer().unwrap();
/// assert_eq!(response.headers()["x-is-superjson"], "true");
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let body = axum::body::to_bytes(response.into_body(), 1024).await.unwrap();
/// assert_eq!(
///     body,
///     r#"{"json":{"title":"Hello","at":"2026-01-02T03:04:05Z"},"meta":{"values":{"at":["Date"]}}}"#
/// );
/// # });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SuperJson<T>(pub T);

impl<T: Payload> Payload for SuperJson<T> {
    fn check(&self, issues: &mut Issues) {
        self.0.check(issues);
    }
}

impl<T: Serialize + JsonSchema + 'static> Answer<Special> for SuperJson<T> {
    const INFO: Option<OutputInfo> =
        Some(OutputInfo { schema: <T as Described>::described, superjson: true, void: false });

    fn answer(self) -> Reply {
        if TypeId::of::<T>() == TypeId::of::<()>() {
            return Ok(void());
        }
        match superjson::write(&self.0) {
            Ok(body) => Ok(superjson_body(body.into())),
            Err(error) => Err(unencodable(&error)),
        }
    }
}

/// Answers with a response of axum's own making: text, HTML, bytes, redirects, cookies, any
/// status. It passes through untouched.
///
/// ```
/// use axum::response::Html;
/// use jstack_runtime::Raw;
/// use jstack_runtime::__private::Answer;
///
/// let response = Raw(Html("<h1>Hello</h1>")).answer().unwrap();
/// assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Raw<R>(pub R);

// It passes through untouched: there is nothing in it that rules could be declared for.
impl<R> std::panic::UnwindSafe for Raw<R> {}

impl<R: IntoResponse> Answer<Special> for Raw<R> {
    const INFO: Option<OutputInfo> = None;

    fn answer(self) -> Reply {
        Ok(self.0.into_response())
    }
}

#[cfg(test)]
mod tests {
    use axum::response::{Html, Redirect};
    use http::StatusCode;
    use http_body_util::BodyExt as _;

    use super::*;

    async fn told(reply: Reply) -> (Response<()>, String) {
        let (parts, body) = reply.unwrap_or_else(|refused| refused).into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (Response::from_parts(parts, ()), String::from_utf8(bytes.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_value_is_json() {
        let (response, body) = told(vec![Some(1), None].answer()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "application/json");
        assert!(!response.headers().contains_key(IS_SUPERJSON));
        assert_eq!(body, "[1,null]");
    }

    #[tokio::test]
    async fn nothing_is_the_superjson_of_undefined() {
        for reply in [().answer(), Ok::<_, Error>(()).answer(), SuperJson(()).answer()] {
            let (response, body) = told(reply).await;
            assert_eq!(response.status(), StatusCode::OK);
            assert_eq!(response.headers()["x-is-superjson"], "true");
            assert_eq!(body, r#"{"json":null,"meta":{"values":["undefined"]}}"#);
        }
    }

    #[tokio::test]
    async fn superjson_says_so() {
        let (response, body) = told(SuperJson(5).answer()).await;
        assert_eq!(response.headers()["x-is-superjson"], "true");
        assert_eq!(response.headers()["content-type"], "application/json");
        assert_eq!(body, r#"{"json":5}"#);
    }

    #[tokio::test]
    async fn a_response_of_axums_passes_untouched() {
        let (response, body) = told(Raw(Html("<p>")).answer()).await;
        assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
        assert_eq!(body, "<p>");
        let (response, _) = told(Raw(Redirect::to("/a")).answer()).await;
        assert_eq!(
            (response.status(), &response.headers()["location"]),
            (StatusCode::SEE_OTHER, &HeaderValue::from_static("/a"))
        );
    }

    #[tokio::test]
    async fn what_does_not_encode_is_a_500_that_tells_nothing() {
        let pairs = std::collections::BTreeMap::from([(vec![1], 2)]);
        for reply in [pairs.clone().answer(), SuperJson(pairs.clone()).answer()] {
            let (response, body) = told(reply).await;
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(body, "Internal Server Error");
        }
    }
}
