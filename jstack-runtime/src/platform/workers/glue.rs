//! What the module asks JavaScript for: sockets, bodies, the console. `glue.js` has the other half.

use js_sys::JsString;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(module = "/src/platform/workers/glue.js")]
extern "C" {
    /// Opens a WebSocket and returns its number. Messages of more than `longest` units of UTF-16
    /// are reported without their text.
    #[wasm_bindgen(js_name = openSocket)]
    pub(crate) fn open_socket(longest: f64) -> u32;

    /// The text of JavaScript, made once for all sockets that it is sent to.
    #[wasm_bindgen(js_name = textOf)]
    pub(crate) fn text_of(utf8: &[u8]) -> JsString;

    /// `false` if the socket takes nothing any more.
    pub(crate) fn send(socket: u32, text: &JsString) -> bool;

    /// Closes a socket; a code that must not be sent closes it without one.
    #[wasm_bindgen(js_name = closeSocket)]
    pub(crate) fn close_socket(socket: u32, code: u16, reason: &str);

    /// The next piece of a request's body, or `undefined` at its end.
    #[wasm_bindgen(js_name = readBody, catch)]
    pub(crate) async fn read_body(body: u32) -> Result<JsValue, JsValue>;

    /// Reads nothing more of a request's body.
    #[wasm_bindgen(js_name = dropBody)]
    pub(crate) fn drop_body(body: u32);

    /// Calls `jstackRun` when what runs now has ended.
    pub(crate) fn soon();

    /// Writes a line to the console; `level` is `error`, `warn`, `info` or `debug`.
    pub(crate) fn log(level: &str, line: &str);

    /// The module is broken: its objects end, and the next request starts a new instance.
    pub(crate) fn broken(why: &str);

    /// Calls a method of the application's Durable Object, from the Worker.
    #[wasm_bindgen(js_name = callObject, catch)]
    pub(crate) async fn call_object(messages: &str) -> Result<JsValue, JsValue>;

    #[cfg(feature = "upstash")]
    /// Sends a request to Upstash within a time; without a body it asks for a stream. Resolves to
    /// `[status, text]`, or to `[status, body]` with the number of a body to read. The status is 0
    /// where there was no answer, and the text says why.
    pub(crate) async fn post(
        url: &str,
        token: &str,
        body: Option<&str>,
        milliseconds: f64,
    ) -> JsValue;
}

/// Writes a line for whoever operates the program.
pub(crate) fn write_line(line: &dyn std::fmt::Display) {
    log("error", &line.to_string());
}
