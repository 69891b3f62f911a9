//! `Bearer`: the token of the `Authorization` header.

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

use crate::error::{Error, Result};

/// The token of `Authorization: Bearer <token>`, as it was sent.
///
/// It is an extractor in every handler. Clients of the profile `v1` send their token with the
/// handshake of a socket as well, so that one extractor serves GET, POST and sockets. A request
/// without a token gets a 401; `Option<Bearer>` takes either. Checking the token is the
/// application's.
///
/// ```
/// use jstack_runtime::prelude::*;
///
/// #[procedure(get)]
/// async fn whoami(Bearer(token): Bearer) -> Result<String> {
///     match token.as_str() {
///         "secret-of-ann" => Ok("ann".to_owned()),
///         _ => Err(Error::unauthorized("unknown token")),
///     }
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Bearer(pub String);

impl std::fmt::Debug for Bearer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A token must not reach a log.
        f.write_str("Bearer(***)")
    }
}

/// The token of a request, if it has one.
pub(crate) fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

impl<S: Sync> FromRequestParts<S> for Bearer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        token(&parts.headers).map(|token| Self(token.to_owned())).ok_or_else(|| {
            Error::unauthorized("a token is missing: send `authorization: Bearer <token>`")
        })
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Bearer {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &S,
    ) -> Result<Option<Self>, std::convert::Infallible> {
        Ok(token(&parts.headers).map(|token| Self(token.to_owned())))
    }
}
