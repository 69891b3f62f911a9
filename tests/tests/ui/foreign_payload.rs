// A type of another crate is a field of a payload.
use jstack_runtime::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Message {
    pub text: String,
}

#[derive(Clone, Debug, Events)]
pub enum Chat {
    Message(Message),
    Cleared(()),
}

#[derive(Clone, Debug, Events)]
pub enum More {
    Id(axum::http::Uri),
}

fn main() {}
