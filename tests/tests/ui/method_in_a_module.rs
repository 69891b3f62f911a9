// A handler is not a method.
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

    #[on(Message)]
    async fn message(&self, _: Message) {}

    #[on(Cleared)]
    async fn cleared(_: ()) {}
}

fn main() {
    let _: Router = router![chat];
}
