//! What `main` may ask for beside its variables: databases, buckets, the object's storage.

use wasm_bindgen::JsValue;

use crate::platform::workers::bindings;

/// Cloudflare's `env` of this application, for bindings to databases and others; `undefined`
/// outside of `main`. Take what you need in `main` and give it to procedures as their state.
pub fn env() -> JsValue {
    bindings::current().map_or(JsValue::UNDEFINED, |bindings| bindings.env)
}

/// The state of the Durable Object that the application is, with its storage, or the context of the
/// Worker where [stateless](crate::Router::stateless) procedures run; `undefined` outside of `main`.
pub fn context() -> JsValue {
    bindings::current().map_or(JsValue::UNDEFINED, |bindings| bindings.context)
}
