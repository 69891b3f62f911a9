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

#[procedure(ws, incoming = Chat, outgoing = Chat)]
mod chat {
    use super::*;

    pub struct Session;

    #[connect]
    async fn connect() -> Result<Session> {
        Ok(Session)
    }

    #[on(Message)]
    async fn message(io: Io, room: String) -> Result {
        io.presence(&room).count().await?;
        Ok(())
    }
}

fn main() {
    let _: Router = router![chat];
}
