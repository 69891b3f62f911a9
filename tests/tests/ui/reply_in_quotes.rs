// The type of a reply in quotes.
use jstack_runtime::prelude::*;
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Message {
    pub text: String,
}
#[derive(Clone, Debug, Events)]
pub enum In {
    #[event(reply = "u32")]
    Message(Message),
    Cleared(()),
}
#[derive(Clone, Debug, Events)]
pub enum Out {
    #[event(ask = bool)]
    Confirm(String),
    Said(Message),
}
#[procedure(ws, incoming = In, outgoing = Out)]
mod chat {
    use super::*;
    #[on(Message)]
    async fn message(_: Message) -> Result<u32> {
        Ok(1)
    }
    #[on(Cleared)]
    async fn cleared(_: ()) {}
}
fn main() {
    let _: Router = router![chat];
}
