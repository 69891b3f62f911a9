// A plain value among the arguments: it wants `input = …`.
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
async fn recent(limit: u32) -> u32 {
    limit
}

fn main() {
    let _: Router = router![recent];
}
