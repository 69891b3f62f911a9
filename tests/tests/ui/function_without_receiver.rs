// A function hears its client through the receiver.
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
async fn chat(socket: Socket<chat::Procedure>) {
    let _ = socket;
}

fn main() {
    let _: Router = router![chat];
}
