// A method has no place among the arguments for its `self`.
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

pub struct Posts;

impl Posts {
    #[procedure(get)]
    pub async fn recent(&self) -> u32 {
        1
    }
}

fn main() {}
