//! An answer as JavaScript takes it.

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::extract::Request;
use axum::response::Response;
use http::header;
use http_body_util::BodyExt as _;
use js_sys::{Array, Uint8Array};
use tower::ServiceExt as _;
use wasm_bindgen::JsValue;

use crate::error::BoxError;
use crate::platform::HashMap;
use crate::transport::ClientHalf;

thread_local! {
    /// Answers that are taken piece by piece.
    static STREAMED: RefCell<HashMap<u32, Body>> = RefCell::default();
    static NEXT: Cell<u32> = const { Cell::new(0) };
}

/// Calls the router.
pub(super) async fn of(router: axum::Router, request: Request) -> Response {
    match router.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// A text of the status, the headers and the body if it is text; otherwise a list of this text, the
/// body and the socket.
pub(super) async fn write(response: Response) -> JsValue {
    let (mut parts, body) = response.into_parts();
    let socket = parts.extensions.remove::<ClientHalf>();
    let mut text = String::with_capacity(512);
    // Writing to a string cannot fail.
    let _ = write!(text, "{}\n{}\n", parts.status.as_u16(), parts.headers.len());
    for (name, value) in &parts.headers {
        text.push_str(name.as_str());
        text.push('\n');
        match value.to_str() {
            Ok(value) => text.push_str(value),
            // Each byte of a header is a unit of the text.
            Err(_) => text.extend(value.as_bytes().iter().copied().map(char::from)),
        }
        text.push('\n');
    }
    let body = match taken(body).await {
        Taken::Bytes(bytes) => match std::str::from_utf8(&bytes) {
            // JavaScript adds a type where there is none.
            Ok(body) if parts.headers.contains_key(header::CONTENT_TYPE) || body.is_empty() => {
                text.push_str(body);
                JsValue::UNDEFINED
            }
            _ => Uint8Array::from(&bytes[..]).into(),
        },
        Taken::Streamed(number) => number.into(),
    };
    if socket.is_none() && body.is_undefined() {
        return text.into();
    }
    let socket = socket.map_or(JsValue::UNDEFINED, |ClientHalf(socket)| socket.into());
    Array::of3(&text.into(), &body, &socket).into()
}

/// A body on its way out.
enum Taken {
    /// All of it.
    Bytes(Bytes),
    /// The number of one that is taken piece by piece.
    Streamed(u32),
}

async fn taken(body: Body) -> Taken {
    if body.is_end_stream() {
        return Taken::Bytes(Bytes::new());
    }
    if body.size_hint().exact().is_some() {
        return Taken::Bytes(match body.collect().await {
            Ok(collected) => collected.to_bytes(),
            Err(error) => {
                tracing::debug!(%error, "an answer broke off");
                Bytes::new()
            }
        });
    }
    let number = NEXT.get();
    NEXT.set(number.wrapping_add(1));
    STREAMED.with_borrow_mut(|all| all.insert(number, body));
    Taken::Streamed(number)
}

/// The next piece of a streamed answer.
pub(super) async fn piece(number: u32) -> Result<Option<Uint8Array>, BoxError> {
    let Some(mut body) = STREAMED.with_borrow_mut(|all| all.remove(&number)) else {
        return Ok(None);
    };
    loop {
        match body.frame().await {
            None => return Ok(None),
            Some(frame) => {
                // Trailers have no place in an answer of JavaScript.
                let Ok(bytes) = frame?.into_data() else { continue };
                let piece = Uint8Array::from(&bytes[..]);
                STREAMED.with_borrow_mut(|all| all.insert(number, body));
                return Ok(Some(piece));
            }
        }
    }
}

/// Drops the rest of a streamed answer.
pub(super) fn drop_rest(number: u32) {
    let body = STREAMED.with_borrow_mut(|all| all.remove(&number));
    drop(body);
}
