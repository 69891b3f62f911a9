// A module without handlers: no edit of the attribute is suggested.
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
}
fn main() {
    let _: Router = router![chat];
}
