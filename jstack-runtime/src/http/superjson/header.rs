//! The header of answers in superjson.

use http::HeaderName;

/// Says to the client that the body is superjson.
pub(crate) const IS_SUPERJSON: HeaderName = HeaderName::from_static("x-is-superjson");
