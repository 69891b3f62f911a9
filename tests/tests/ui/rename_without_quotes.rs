// A name is a string.
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

#[procedure(get, rename = latest)]
async fn recent() {}

fn main() {
    let _: Router = router![recent];
}
