#![allow(dead_code)]
use jstack_runtime::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Profile {
    name: String,
}

#[derive(Clone, Debug, Events)]
pub enum Chat {
    Message(String),
}

#[procedure(ws, incoming = Chat, outgoing = Chat, presence = bool)]
mod chat {
    use super::*;

    pub struct Session;

    #[connect]
    async fn connect() -> Result<Session> {
        Ok(Session)
    }

    #[member]
    const WHO: u8 = 1;

    #[on(Message)]
    async fn message(_: String) {}
}

fn main() {
    let _: Router = router![chat];
}
