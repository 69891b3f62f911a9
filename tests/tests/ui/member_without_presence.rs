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

    #[member]
    fn member(_: &Session) -> Member<Profile> {
        Member::new(1, Profile { name: String::new() })
    }

    #[on(Message)]
    async fn message(_: String) {}
}

fn main() {
    let _: Router = router![chat];
}
