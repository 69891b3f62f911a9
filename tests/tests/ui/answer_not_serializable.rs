// What an answer may be.
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

pub struct Opaque;

#[procedure(get)]
async fn recent() -> Opaque {
    Opaque
}

fn main() {}
