// An item is one procedure.
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
#[procedure(post)]
async fn recent() -> u32 {
    1
}

fn main() {
    let _: Router = router![recent];
}
