// A procedure has no path parameters.
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

#[procedure(get)]
async fn create(path: axum::extract::Path<u32>) -> u32 {
    path.0
}

fn main() {
    let _: Router = router![create];
}
