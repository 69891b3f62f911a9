// An event called `close`, which a module handles and emits: one error.
use jstack_runtime::prelude::*;
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Message {
    pub text: String,
}
#[derive(Clone, Debug, Events)]
pub enum Chat {
    Message(Message),
    Cleared(()),
    Close(()),
}
#[procedure(ws, incoming = Chat, outgoing = Chat)]
mod chat {
    use super::*;
    #[on(Message)]
    async fn message(io: Io, message: Message) -> Result {
        io.all().message(&message).await
    }
    #[on(Cleared)]
    async fn cleared(io: Io, _: ()) -> Result {
        io.all().cleared(&()).await
    }
    #[on(Close)]
    async fn added(io: Io, p: ()) -> Result {
        Ok(())
    }
}
fn main() {
    let _: Router = router![chat];
}
