//! Headers that an application adds to requests.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::{Error, Result};

/// Adds a header, or says what is wrong with it.
pub(super) fn put_header(headers: &mut HeaderMap, name: &str, value: &str) -> Result {
    let wrong = |what: &str| {
        Error::bad_request(format!("the header `{name}` has {what} that HTTP does not allow"))
    };
    let header = HeaderName::try_from(name).map_err(|_| wrong("a name"))?;
    let value = HeaderValue::try_from(value).map_err(|_| wrong("a value"))?;
    headers.insert(header, value);
    Ok(())
}
