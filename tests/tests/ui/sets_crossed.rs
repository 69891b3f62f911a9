// The aliases of a module are not what its arguments name.
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

#[derive(Clone, Debug, Events)]
pub enum Outgoing {
    Message(Message),
}

#[procedure(ws, incoming = Outgoing, outgoing = Chat)]
mod chat {
    use super::*;

    #[on(Message)]
    async fn message(_: Message) {}
}

fn main() {
    let _: Router = router![chat];
}
