// Serde alone does not make a payload: `Payload` is what is missing.
use jstack_runtime::prelude::*;

#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Message {
    pub text: String,
}

#[derive(Events)]
pub enum Chat {
    Message(Message),
}

fn main() {}
