// A request has no connection.
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

#[procedure(ws, incoming = Chat, outgoing = Chat)]
mod chat {
    use super::*;

    #[fallback]
    async fn rest(_: Incoming) {}
}

#[procedure(post)]
async fn create(_: Socket<chat::Procedure>) {}

fn main() {
    let _: Router = router![create];
}
