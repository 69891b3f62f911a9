//! The raw input of a request (query or body), and reading a typed input from it.

use std::fmt;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::HeaderMap;

use super::body::body_text;
use super::parse::{from_body, from_query, no_input_at_all};
use crate::error::{Error, Issue, Result};
use crate::http::shape::{Shape, TypeSchema};
use crate::payload::{Described, InputPayload, RawPayload, SchemaOf};

/// What a request brought, of which its procedure's input is read.
#[doc(hidden)]
pub struct RawInput<'a>(Source<'a>);

/// Where an input comes from.
enum Source<'a> {
    /// All is text there, so the schema says what is meant.
    Query(Option<&'a str>),
    /// JSON has numbers of its own.
    Body(Option<Bytes>),
}

impl<'a> RawInput<'a> {
    /// The query of a GET.
    pub(crate) fn query(query: Option<&'a str>) -> Self {
        Self(Source::Query(query))
    }

    /// The body of a POST.
    ///
    /// Fails with a 415, 413 or 400, as wire.md says.
    pub(crate) async fn body(headers: &HeaderMap, body: Body, limit: usize) -> Result<Self> {
        Ok(Self(Source::Body(body_text(headers, body, limit).await?)))
    }

    /// The input of the type `of` as JSON; `None` without an input.
    pub(crate) fn text(self, of: TypeSchema) -> Result<Option<String>> {
        match self.0 {
            Source::Query(query) => Ok(query.and_then(|query| from_query(query, of))),
            Source::Body(Some(body)) => from_body(&body, of),
            Source::Body(None) => Ok(None),
        }
    }

    /// The same, and what may stand for an input that is missing.
    pub(crate) fn texts(self, of: TypeSchema) -> Result<InputCandidates> {
        let (sent, nothing) = match self.text(of)? {
            Some(text) => (text, None),
            None => (String::new(), Some(of.input())),
        };
        Ok(InputCandidates { sent, nothing, tried: 0, refusal: None })
    }
}

/// The texts of which the first that can be read is the input.
///
/// Of an input that is missing they are `null` for an `Option`, and `{}` or `[]` for a type all of
/// whose parts may be missing.
pub(crate) struct InputCandidates {
    sent: String,
    /// The type's shape, if nothing was sent.
    nothing: Option<Arc<Shape>>,
    tried: usize,
    refusal: Option<Error>,
}

impl InputCandidates {
    pub(crate) fn next(&mut self) -> Option<&str> {
        let nth = self.tried;
        self.tried += 1;
        let Some(shape) = &self.nothing else { return (nth == 0).then_some(&*self.sent) };
        // An `Option` that nobody sent is `None`, also if all fields of its content may be
        // missing.
        let kinds = shape.root().kinds();
        let texts = [kinds.null.then_some("null"), Some("{}"), kinds.array.then_some("[]")];
        texts.into_iter().flatten().nth(nth)
    }

    /// Takes the error of the text that `next` gave last.
    pub(crate) fn refused(&mut self, error: Error) {
        self.refusal.get_or_insert(error);
    }

    /// The error for a missing input: a 422 that names the fields that may not be missing.
    pub(crate) fn refusal(self) -> Error {
        let Some(shape) = self.nothing else {
            return self.refusal.unwrap_or_else(no_input_at_all);
        };
        let root = shape.root();
        if !root.kinds().object {
            return no_input_at_all();
        }
        let required = root.required();
        if root.is_one_object() && !required.is_empty() {
            let missing = |name: &str| Issue::new(name, "is missing");
            return Error::invalid(required.into_iter().map(missing).collect());
        }
        self.refusal.unwrap_or_else(no_input_at_all)
    }
}

/// Reads an input of what a request brought. A trait for its `Self` alone: what is compiled for a
/// type stands with that type, so that the next one does not compile it anew.
trait ReadInput: InputPayload {
    /// The input of a request.
    fn read(sent: RawInput<'_>) -> Result<Self, Response> {
        let mut texts = match sent.texts(TypeSchema::of::<Self>()) {
            Ok(texts) => texts,
            Err(error) => return Err(error.into_response()),
        };
        while let Some(text) = texts.next() {
            match Self::decode(&RawPayload::new(text)) {
                Ok(value) => return Ok(value),
                Err(error) => texts.refused(error),
            }
        }
        Err(texts.refusal().into_response())
    }

    /// The input of a request, if there is one.
    fn read_optional(sent: RawInput<'_>) -> Result<Option<Self>, Response> {
        match sent.text(TypeSchema::of::<Self>()) {
            Err(error) => Err(error.into_response()),
            Ok(None) => Ok(None),
            Ok(Some(text)) => match Self::decode(&RawPayload::new(&text)) {
                Ok(value) => Ok(Some(value)),
                Err(error) => Err(error.into_response()),
            },
        }
    }
}

impl<T: InputPayload> ReadInput for T {}

/// What a procedure's input is able to. The bound stands where one is made and nowhere else, so that a
/// type without its derives is one error.
#[doc(hidden)]
pub struct InputReader<T> {
    pub(crate) schema: SchemaOf,
    pub(crate) optional: bool,
    read: fn(RawInput<'_>) -> Result<T, Response>,
}

/// The abilities of an input of the type `T`.
#[doc(hidden)]
pub const fn inputs<T: InputPayload>() -> InputReader<T> {
    InputReader {
        schema: <T as Described>::described,
        optional: false,
        read: <T as ReadInput>::read,
    }
}

/// The same where the input may be missing.
#[doc(hidden)]
pub const fn optional_inputs<T: InputPayload>() -> InputReader<Option<T>> {
    InputReader {
        schema: <T as Described>::described,
        optional: true,
        read: <T as ReadInput>::read_optional,
    }
}

impl<T> InputReader<T> {
    /// The input of a request, or the answer to one that has no such input.
    // In a tuple, out of which an expansion takes it behind the `?`: where a handler takes another
    // type, the error is of its argument and says nothing of `?`.
    #[allow(clippy::inline_always, reason = "as in `macros`: compiled with the expansion")]
    #[inline(always)]
    pub fn read(&self, sent: RawInput<'_>) -> Result<(T,), Response> {
        match (self.read)(sent) {
            Ok(input) => Ok((input,)),
            Err(refusal) => Err(refusal),
        }
    }
}

impl<T> Clone for InputReader<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for InputReader<T> {}

impl<T> fmt::Debug for InputReader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InputReader").finish_non_exhaustive()
    }
}
