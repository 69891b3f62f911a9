// The input is read as JSON anyway.
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

#[procedure(post, input = axum::Json<Message>)]
async fn create(new: axum::Json<Message>) -> Message {
    new.0
}

fn main() {
    let _: Router = router![create];
}
