//! An answer as JavaScript takes it.

use std::cell::{Cell, RefCell};

use axum::body::{Body, HttpBody as _};
use axum::extract::Request;
use axum::response::Response;
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

/// The status, the headers' lines, the body and the socket of an answer.
pub(super) async fn write(response: Response) -> Array {
    let (mut parts, body) = response.into_parts();
    let socket = parts.extensions.remove::<ClientHalf>();
    let mut head = String::with_capacity(256);
    for (name, value) in &parts.headers {
        head.push_str(name.as_str());
        head.push('\n');
        // Each byte of a header is a unit of the text.
        head.extend(value.as_bytes().iter().copied().map(char::from));
        head.push('\n');
    }
    let answer = Array::new_with_length(4);
    answer.set(0, parts.status.as_u16().into());
    answer.set(1, head.into());
    answer.set(2, taken(body).await);
    if let Some(ClientHalf(socket)) = socket {
        answer.set(3, socket.into());
    }
    answer
}

/// The body at once where it is all there, or the number of a streamed one.
async fn taken(body: Body) -> JsValue {
    if body.is_end_stream() {
        return JsValue::UNDEFINED;
    }
    if body.size_hint().exact().is_some() {
        return match body.collect().await {
            Ok(collected) => Uint8Array::from(&collected.to_bytes()[..]).into(),
            Err(error) => {
                tracing::debug!(%error, "an answer broke off");
                JsValue::UNDEFINED
            }
        };
    }
    let number = NEXT.get();
    NEXT.set(number.wrapping_add(1));
    STREAMED.with_borrow_mut(|all| all.insert(number, body));
    number.into()
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
