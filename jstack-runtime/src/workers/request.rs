//! A request as JavaScript hands it over.

use std::net::IpAddr;

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use http::{HeaderName, HeaderValue, Uri, header};
use js_sys::Uint8Array;
use tokio::sync::oneshot;
use wasm_bindgen::{JsCast as _, JsValue};

use crate::error::{BoxError, Error};
use crate::http::ClientAddress;
use crate::http::origin::Secure;
use crate::platform;
use crate::platform::workers::glue;

/// The address of the client, as the edge says it.
const CLIENT: &str = "cf-connecting-ip";

/// Reads the head, and takes the body. What cannot be read is answered at once.
pub(super) fn read(head: &str, body: &JsValue) -> Result<Request, Response> {
    let mut lines = head.split('\n');
    let method = lines.next().unwrap_or_default();
    let url: Uri = lines.next().unwrap_or_default().parse().map_err(refused)?;
    let secure = url.scheme_str() == Some("https");
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let mut request =
        http::Request::builder().method(method).uri(path).body(body_of(body)).map_err(refused)?;
    let headers = request.headers_mut();
    while let (Some(name), Some(value)) = (lines.next(), lines.next()) {
        let name = HeaderName::try_from(name).map_err(refused)?;
        // Each unit of the text is a byte of the header.
        let value = if value.is_ascii() {
            HeaderValue::from_str(value)
        } else {
            let bytes = value.chars().map(|c| u8::try_from(c).unwrap_or(b'?'));
            HeaderValue::from_bytes(&bytes.collect::<Vec<_>>())
        };
        headers.append(name, value.map_err(refused)?);
    }
    if !headers.contains_key(header::HOST)
        && let Some(host) = url.authority().and_then(|a| HeaderValue::from_str(a.as_str()).ok())
    {
        headers.insert(header::HOST, host);
    }
    let client = headers.get(CLIENT).and_then(|value| value.to_str().ok()?.parse::<IpAddr>().ok());
    let extensions = request.extensions_mut();
    if secure {
        extensions.insert(Secure);
    }
    if let Some(client) = client {
        extensions.insert(ClientAddress(client));
    }
    Ok(request)
}

fn refused(error: impl std::fmt::Display) -> Response {
    Error::bad_request(format!("the request cannot be read: {error}")).into_response()
}

fn body_of(body: &JsValue) -> Body {
    if let Some(number) = body.as_f64() {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is one")]
        return pieces(number as u32);
    }
    match body.dyn_ref::<Uint8Array>() {
        Some(bytes) => Body::from(bytes.to_vec()),
        None => Body::empty(),
    }
}

/// Ends the reading of a body that nobody wants any more.
struct Reading(u32);

impl Drop for Reading {
    fn drop(&mut self) {
        glue::drop_body(self.0);
    }
}

/// A body that is read while it is consumed.
fn pieces(number: u32) -> Body {
    Body::from_stream(stream::unfold(Reading(number), |reading| async move {
        let (put, piece) = oneshot::channel();
        let number = reading.0;
        // What waits for JavaScript is not `Send`, and a body must be.
        platform::spawn(async move {
            let _ = put.send(match glue::read_body(number).await {
                Ok(value) => Ok(value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)),
                Err(error) => Err(format!("{error:?}")),
            });
        });
        match piece.await.unwrap_or(Ok(None)) {
            Ok(Some(bytes)) => Some((Ok(Bytes::from(bytes)), reading)),
            Ok(None) => None,
            Err(error) => Some((Err(BoxError::from(error)), reading)),
        }
    }))
}
