//! The body of a POST: what is refused by its head, its length, and its bytes.

use axum::body::Body;
use axum::body::HttpBody as _;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError};

use crate::error::{Error, Result};
use crate::untrusted::Untrusted;

/// How many times its limit a body may be long for its sender to learn of the limit.
const DRAINED: usize = 8;

/// Refuses the body of a POST to a procedure that takes no input, if a form of a foreign page
/// could have sent it.
///
/// Whether there is a body is known only when something of it, or its end, has come: what is known
/// in advance is a hint.
pub(crate) async fn no_input(headers: &HeaderMap, body: &mut Body) -> Result {
    let Err(refusal) = check_content_type(headers) else { return Ok(()) };
    if body.is_end_stream() {
        return Ok(());
    }
    if body.size_hint().lower() > 0 || waits_for_a_word(headers) {
        return Err(refusal);
    }
    while let Some(frame) = body.frame().await {
        if !frame.map_err(broke_off)?.into_data().unwrap_or_default().is_empty() {
            return Err(refusal);
        }
    }
    Ok(())
}

/// The whole body, if there is one: never more of it than `limit` bytes.
pub(crate) async fn body_text(
    headers: &HeaderMap,
    mut body: Body,
    limit: usize,
) -> Result<Option<Bytes>> {
    let size = body.size_hint();
    if size.exact() == Some(0) {
        return Ok(None);
    }
    // The first read asks for the body, of a client that waits for that: a refusal comes before.
    let waits = waits_for_a_word(headers);
    if waits || size.lower() > 0 {
        check_head(headers)?;
    }
    if size.lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        // One that says it will go on beyond all patience is not waited for.
        let patience = u64::try_from(limit.saturating_mul(DRAINED)).unwrap_or(u64::MAX);
        if !waits && size.lower() <= patience {
            drain(body, limit).await;
        }
        return Err(too_large(limit));
    }
    let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
    while let Some(frame) = body.frame().await {
        let data = frame.map_err(broke_off)?.into_data().unwrap_or_default();
        if data.is_empty() {
            continue;
        }
        if data.len() > limit - first.len() - rest.len() {
            drain(body, limit).await;
            return Err(too_large(limit));
        }
        if first.is_empty() {
            first = data;
            check_head(headers)?;
        } else {
            rest.extend_from_slice(&data);
        }
    }
    if rest.is_empty() {
        return Ok((!first.is_empty()).then_some(first));
    }
    let mut whole = BytesMut::with_capacity(first.len() + rest.len());
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&rest);
    Ok(Some(whole.freeze()))
}

/// Reads on for a while, and forgets it: a client that is still sending when the connection closes
/// sees a broken connection, and never the answer.
async fn drain(mut body: Body, limit: usize) {
    let mut left = limit.saturating_mul(DRAINED);
    while let Some(Ok(frame)) = body.frame().await {
        match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// Whether the client sends its body only when it is asked to (`expect: 100-continue`).
fn waits_for_a_word(headers: &HeaderMap) -> bool {
    let mut expected = headers.get_all(header::EXPECT).iter();
    expected.any(|value| value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"100-continue"))
}

#[cold]
fn too_large(limit: usize) -> Error {
    Error::payload_too_large(format!(
        "the body is longer than {limit} bytes (`Limits::body_bytes`, `JSTACK_BODY_BYTES`)"
    ))
}

/// The error for a body that ends with one: of the connection, or of a layer around it.
#[cold]
fn broke_off(error: axum::Error) -> Error {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        if inner.is::<LengthLimitError>() {
            return Error::payload_too_large(
                "the body is longer than a layer of this server allows (`RequestBodyLimitLayer`)",
            );
        }
        cause = inner.source();
    }
    Error::bad_request(format!("the body broke off: {error}")).with_source(error)
}

/// What a request's head says of its body.
fn check_head(headers: &HeaderMap) -> Result {
    check_content_type(headers)?;
    check_encoding(headers)
}

/// A browser sends JSON to a foreign origin only after a preflight request, and every other
/// content type, or none, without.
fn check_content_type(headers: &HeaderMap) -> Result {
    let value = headers.get(header::CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let subtype = name.strip_prefix("application/").unwrap_or_default();
    if subtype == "json" || subtype.ends_with("+json") {
        return Ok(());
    }
    let what = match value {
        None => "has none".to_owned(),
        Some(_) => format!("is `{}`", Untrusted(&name)),
    };
    Err(Error::unsupported_media_type(format!(
        "the body's content type must be `application/json`; it {what}"
    )))
}

/// A layer that decompresses removes the header.
fn check_encoding(headers: &HeaderMap) -> Result {
    let plain = |value: &&HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"identity");
    let Some(encoding) = headers.get_all(header::CONTENT_ENCODING).iter().find(plain) else {
        return Ok(());
    };
    let encoding = String::from_utf8_lossy(encoding.as_bytes());
    Err(Error::with_code(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        format!(
            "the body is compressed (`content-encoding: {}`), which this server does not read: send it as it is, \
             or add a layer that decompresses (`RequestDecompressionLayer`)",
            Untrusted(&encoding)
        ),
    ))
}
