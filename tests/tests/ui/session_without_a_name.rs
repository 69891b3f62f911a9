// The session has a name, and handlers that take it are not a second error.
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

    pub struct Session;

    #[connect]
    async fn connect() -> impl Send {
        Session
    }

    #[on(Message)]
    async fn message(_: &mut Session, _: Message) {}

    #[on(Cleared)]
    async fn cleared(_: ()) {}
}

fn main() {
    let _: Router = router![chat];
}
