// The body is the input.
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

#[procedure(post)]
async fn create(body: axum::body::Bytes) -> usize {
    body.len()
}

fn main() {
    let _: Router = router![create];
}
