// The key of `#[event]`.
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
pub enum More {
    #[event(name = "x")]
    Message(Message),
}

fn main() {}
