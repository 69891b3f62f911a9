//! What Cloudflare gives an application: its variables and secrets, and objects of JavaScript.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, Object};
use wasm_bindgen::{JsCast as _, JsValue};

/// What belongs to one application: an isolate may have several, one for each Durable Object.
#[derive(Clone)]
pub(crate) struct Bindings {
    /// `env`: variables, secrets, and bindings to databases and others.
    pub(crate) env: JsValue,
    /// The state of the Durable Object, or the context of the Worker's first request.
    pub(crate) context: JsValue,
    /// Whether it is the Worker that runs, which has no connections, and not the object.
    pub(crate) at_the_edge: bool,
    text: Rc<[(String, String)]>,
}

thread_local! {
    static CURRENT: RefCell<Option<Bindings>> = const { RefCell::new(None) };
}

impl Bindings {
    pub(crate) fn new(env: JsValue, context: JsValue, at_the_edge: bool) -> Self {
        let entry = |entry: JsValue| {
            let entry: Array = entry.unchecked_into();
            Some((entry.get(0).as_string()?, entry.get(1).as_string()?))
        };
        let text = env.dyn_ref::<Object>().map(Object::entries).unwrap_or_default();
        let text = text.iter().filter_map(entry).collect();
        Self { env, context, at_the_edge, text }
    }

    /// Makes these the current ones while `run` runs.
    pub(crate) fn scope<T>(&self, run: impl FnOnce() -> T) -> T {
        /// Sets them back also when `run` panics.
        struct Back(Option<Bindings>);
        impl Drop for Back {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }
        let _back = Back(CURRENT.replace(Some(self.clone())));
        run()
    }
}

/// Those of the application that starts; outside of its `main` there are none.
pub(crate) fn current() -> Option<Bindings> {
    CURRENT.with_borrow(Clone::clone)
}

/// The bindings that are text: variables and secrets.
pub(crate) fn variables() -> Vec<(String, String)> {
    current().map(|bindings| bindings.text.to_vec()).unwrap_or_default()
}
