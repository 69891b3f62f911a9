//! The application of the corpus on a client: its events, its marker, and a client with the options of
//! a script.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jstack_runtime::Shown;
use jstack_runtime::client::{Client, Dial, Sender};
use jstack_runtime::prelude::*;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::views::named;

/// What a token function returns, one after the other.
pub type Tokens = Arc<Mutex<VecDeque<Value>>>;

macro_rules! events {
    ($($variant:ident $method:ident $name:literal,)*) => {
        /// Every event that the corpus' application sends.
        #[derive(Clone, Debug, Events)]
        pub enum ToServer { $( #[event(reply = Value)] $variant(Value), )* }

        pub fn emit(chat: &Sender<Script>, name: &str, data: &Value) -> jstack_runtime::EmitFuture {
            match name {
                $( $name => chat.emit().$method(data), )*
                other => panic!("the runner has no event `{other}`"),
            }
        }

        pub fn emitted(emit: <ToServer as jstack_runtime::Events>::Emitter<'_>, name: &str, data: &Value) -> jstack_runtime::EmitFuture {
            match name {
                $( $name => emit.$method(data), )*
                other => panic!("the runner has no event `{other}`"),
            }
        }

        pub fn request(chat: &Sender<Script>, name: &str, data: &Value, within: Option<Duration>) -> jstack_runtime::Asked<Value> {
            let request = match within {
                Some(within) => chat.request_within(within),
                None => chat.request(),
            };
            match name {
                $( $name => request.$method(data), )*
                other => panic!("the runner has no event `{other}`"),
            }
        }
    };
}

events! {
    Hello hello "hello", X x "x", Y y "y", Cursor cursor "cursor", Pos pos "pos", Zoom zoom "zoom",
    Bad bad "bad", Add add "add", Note note "note", A1 a1 "a1", A2 a2 "a2", Slow slow "slow",
}

/// What the corpus' application listens to.
#[derive(Clone, Debug, Events)]
pub enum ToClient {
    #[event(ask = Value)]
    A(Value),
    B(Value),
    C(Value),
    #[event(ask = Value)]
    Confirm(Value),
}

pub struct Script;

impl jstack_runtime::SocketProcedure for Script {
    type Incoming = ToServer;
    type Outgoing = ToClient;
}

impl jstack_runtime::PresenceProcedure for Script {
    type Status = Value;
    type Info = Value;
    const STATUS: Shown<Value> = jstack_runtime::shown();
    const INFO: Shown<Value> = jstack_runtime::shown();
}

/// A client of the server at `base`, with the tokens of the script's options. Each question for a token
/// goes to `ask`.
pub fn client(
    base: &str,
    options: &Value,
    tokens: &Tokens,
    ask: mpsc::UnboundedSender<&'static str>,
) -> Client {
    let client = Client::new(base).unwrap();
    if let Some(token) = options["token"].as_str() {
        return client.bearer(token);
    }
    if !options["tokens"].is_array() {
        return client;
    }
    let tokens = tokens.clone();
    client.token(move |reason| {
        let _ = ask.send(named(reason));
        let next = tokens.lock().pop_front().expect("a token for each question");
        async move {
            match next {
                Value::Null => Ok(None),
                Value::String(token) => Ok(Some(token)),
                failed => Err(Error::service_unavailable(failed["error"].to_string())),
            }
        }
    })
}

/// A socket with the script's options, not open yet.
pub fn socket(client: &Client, script: &Value) -> Dial<Script> {
    let options = &script["options"];
    let ms = |value: &Value| value.as_u64().map(Duration::from_millis);
    let pair = |value: &Value, default: (u64, u64)| {
        let at = |n: usize, or| value[n].as_u64().unwrap_or(or);
        (Duration::from_millis(at(0, default.0)), Duration::from_millis(at(1, default.1)))
    };
    let (first, longest) = pair(&options["backoff"], (1, 20));
    let mut dial = client.ws::<Script>("socket").backoff(first, longest);
    if let Some(time) = ms(&options["requestTimeout"]) {
        dial = dial.request_timeout(time);
    }
    if let Some(time) = ms(&options["connectTimeout"]) {
        dial = dial.connect_timeout(time);
    }
    if options["heartbeat"].is_array() {
        let (silence, patience) = pair(&options["heartbeat"], (0, 0));
        dial = dial.heartbeat(silence, patience);
    }
    if let (Some(most), Some(age)) = (options["queue"][0].as_u64(), ms(&options["queue"][1])) {
        dial = dial.queue(most as usize, age);
    }
    if options["profile"] == "base" {
        dial = dial.base_profile();
    }
    if script["params"].is_object() {
        dial = dial.params(&script["params"]);
    }
    dial
}
