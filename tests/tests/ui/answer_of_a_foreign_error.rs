// `Result` is not a plain value, whatever its error can do.
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
async fn recent() -> Result<u32, String> {
    Ok(1)
}

fn main() {
    let _: Router = router![recent];
}
