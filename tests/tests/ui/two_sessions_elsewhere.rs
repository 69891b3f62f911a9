// Two session types from elsewhere may be one by an alias: rustc judges, and names both.
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

pub struct Session;
pub struct Other;

#[procedure(ws, incoming = Chat, outgoing = Chat)]
mod chat {
    use super::*;

    #[connect]
    async fn connect() -> Session {
        Session
    }

    #[on(Message)]
    async fn message(_: &mut Other, _: Message) {}

    #[on(Cleared)]
    async fn cleared(_: ()) {}
}

fn main() {
    let _: Router = router![chat];
}
