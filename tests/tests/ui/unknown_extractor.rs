// A type that is not an extractor: the label is at the argument.
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

#[derive(Clone)]
pub struct User;

#[procedure(ws, incoming = Chat, outgoing = Chat)]
mod chat {
    use super::*;

    #[on(Message)]
    async fn message(_: User, _: Message) {}

    #[on(Cleared)]
    async fn cleared(_: ()) {}
}

fn main() {
    let _: Router = router![chat];
}
