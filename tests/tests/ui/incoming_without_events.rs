// `incoming` names a type that is not a set of events: add the derive.
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

pub enum Plain {
    Message(Message),
}

#[procedure(ws, incoming = Plain, outgoing = Chat)]
mod chat {
    use super::*;

    #[on(Message)]
    async fn message(_: Message) {}
}

fn main() {
    let _: Router = router![chat];
}
