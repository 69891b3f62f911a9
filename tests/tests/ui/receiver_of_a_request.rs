// A request has no stream of events.
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
async fn create(events: Receiver<chat::Procedure>) {
    drop(events);
}

#[procedure(ws, incoming = Chat, outgoing = Chat)]
mod chat {
    use super::*;

    #[fallback]
    async fn rest(_: Incoming) {}
}

fn main() {
    let _: Router = router![create, chat];
}
