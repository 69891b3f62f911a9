// `Io` takes the marker of a procedure.
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

#[procedure(post)]
async fn create(io: Io<chat>) -> Result {
    io.all().cleared(&()).await
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
