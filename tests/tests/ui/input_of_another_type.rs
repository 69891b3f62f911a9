// The input's type is what the argument says: rustc, under the argument.
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

#[procedure(post, input = Message)]
async fn create(message: Chat) {
    let _ = message;
}

fn main() {}
