// Two forgotten events: rustc names them, and offers no edit of the attribute.
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

#[derive(Clone, Debug, Events)]
pub enum More {
    One(()),
    Two(()),
    Three(()),
    Four(()),
}

#[procedure(ws, incoming = More, outgoing = Chat)]
mod chat {
    use super::*;

    #[on(One)]
    async fn one(_: ()) {}

    #[on(Two)]
    async fn two(_: ()) {}
}

fn main() {
    let _: Router = router![chat];
}
