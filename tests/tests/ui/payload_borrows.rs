// What is decoded is owned.
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
    Text(&'static str),
}

fn main() {}
