// Clients write an input field by field.
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

#[procedure(post, input = String)]
async fn create(text: String) -> String {
    text
}

fn main() {
    let _: Router = router![create];
}
