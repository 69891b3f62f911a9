// The session is borrowed: it lives as long as the connection.
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

    pub struct Session(u32);

    #[connect]
    async fn connect() -> Session {
        Session(1)
    }

    #[on(Message)]
    async fn message(session: Session, _: Message) {
        let _ = session.0;
    }

    #[on(Cleared)]
    async fn cleared(_: ()) {}
}

fn main() {
    let _: Router = router![chat];
}
