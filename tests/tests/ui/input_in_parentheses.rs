// A value follows `=`.
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

#[procedure(post, input(Message))]
async fn create(message: Message) -> Message {
    message
}

fn main() {
    let _: Router = router![create];
}
