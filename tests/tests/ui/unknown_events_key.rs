// The keys of `#[events]`.
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

#[derive(Events)]
#[events(rename = "x")]
pub enum More {
    Message(Message),
}

fn main() {}
