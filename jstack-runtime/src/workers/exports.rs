//! What JavaScript calls, beside what the transport exports for the events of sockets.

#![allow(unreachable_pub, reason = "only public functions are exported to JavaScript")]

use std::panic::AssertUnwindSafe;
use std::task::{Context, Poll, Waker};

use js_sys::Uint8Array;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::future_to_promise;

use super::{program, request, response};
use crate::app::Built;
use crate::broker::object;
use crate::error::{BoxError, Error, Result};
use crate::platform::workers::bindings::Bindings;

/// Starts an application, for the object or for a Worker, and returns its number.
#[wasm_bindgen(js_name = jstackStart)]
pub async fn start(context: JsValue, env: JsValue, place: String) -> Result<usize, JsValue> {
    AssertUnwindSafe(async move {
        program::start(Bindings::new(env, context, place == "edge")).await.map_err(thrown)
    })
    .await
}

/// Answers a request: the head is its method, its URL and its headers, each on a line of its own.
/// The body is bytes, the number of one that is read piece by piece, or `undefined`.
///
/// The result is a text: the status and the number of headers, the name and the value of each, all
/// on lines of their own, and then the body, if it is text. Otherwise it is a list of this text, the
/// body in one of the forms above, and the number of a socket whose other half the client gets. It
/// is a promise if the handler waits.
#[wasm_bindgen(js_name = jstackRequest)]
pub fn answer(application: usize, head: String, body: JsValue) -> Result<JsValue, JsValue> {
    let application = program::application(application).map_err(thrown)?;
    let mut answering = Box::pin(AssertUnwindSafe(async move {
        let request = match request::read(&head, &body) {
            Ok(request) => request,
            Err(refusal) => return Ok(response::write(refusal).await),
        };
        drop(head);
        Ok(response::write(response::of(application.router.clone(), request).await).await)
    }));
    // Most handlers do not wait. A promise polls again at once, and nothing is missed.
    match answering.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => Ok(future_to_promise(answering).into()),
    }
}

/// The next piece of an answer, or `undefined` at its end.
#[wasm_bindgen(js_name = jstackPiece)]
pub async fn piece(answer: u32) -> Result<Option<Uint8Array>, JsValue> {
    AssertUnwindSafe(async move { response::piece(answer).await.map_err(thrown) }).await
}

/// Nobody reads the answer any more.
#[wasm_bindgen(js_name = jstackDropAnswer)]
pub fn drop_answer(answer: u32) {
    response::drop_rest(answer);
}

/// The paths of the procedures that keep nothing in memory, with a space between.
#[wasm_bindgen(js_name = jstackStateless)]
pub fn stateless(application: usize) -> Result<String, JsValue> {
    Ok(program::application(application).map_err(thrown)?.stateless.join(" "))
}

/// Publishes in the object what a Worker emitted.
#[wasm_bindgen(js_name = jstackPublish)]
pub async fn publish(application: usize, messages: String) -> Result<(), JsValue> {
    // What a panic leaves half done belongs to this call, which ends with it.
    AssertUnwindSafe(async move {
        let application = program::application(application).map_err(thrown)?;
        published(&application, &messages).await.map_err(|error| thrown(error.into()))
    })
    .await
}

async fn published(application: &Built, messages: &str) -> Result {
    let hubs = application.context.hubs();
    for envelope in object::envelopes(messages)? {
        let hub = hubs.iter().find(|hub| hub.procedure() == envelope.procedure());
        let hub = hub.ok_or_else(|| Error::not_found("no such procedure"))?;
        let mut scratch = Vec::new();
        hub.publish_again(&envelope.message(&mut scratch)).await?;
    }
    Ok(())
}

#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn thrown(error: BoxError) -> JsValue {
    js_sys::Error::new(&error.to_string()).into()
}
