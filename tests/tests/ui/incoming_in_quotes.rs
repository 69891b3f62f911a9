// A type is not a string.
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

#[procedure(ws, incoming = "Chat", outgoing = Chat)]
mod chat {
    use super::*;

    #[fallback]
    async fn rest(_: Incoming) {}
}

fn main() {
    let _: Router = router![chat];
}
