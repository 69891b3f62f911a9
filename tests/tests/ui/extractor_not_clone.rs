// Extractors of `#[on]` are cloned for each event; `#[connect]` may take it by value.
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

pub struct User;

impl<S: Sync> axum::extract::FromRequestParts<S> for User {
    type Rejection = Error;

    async fn from_request_parts(_: &mut axum::http::request::Parts, _: &S) -> Result<Self> {
        Ok(Self)
    }
}

#[procedure(ws, incoming = Chat, outgoing = Chat)]
mod chat {
    use super::*;

    #[on(Message)]
    async fn message(_: User, _: Message) {}

    #[on(Cleared)]
    async fn cleared(_: ()) {}
}

fn main() {
    let _: Router = router![chat];
}
