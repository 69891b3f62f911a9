// The kind is a word.
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

#[procedure("get")]
async fn recent() {}

fn main() {
    let _: Router = router![recent];
}
