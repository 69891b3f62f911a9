// Names that the protocol uses itself.
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
    Ping(()),
    Message(Message),
}

fn main() {}
