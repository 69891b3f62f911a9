// A history has two bounds: how many messages, and how old.
use jstack_runtime::prelude::*;

#[derive(Clone, Debug, Events)]
pub enum Chat {
    Message(String),
}

#[procedure(ws, incoming = Chat, outgoing = Chat, history(0, "5m"))]
mod chat {
    use super::*;

    #[on(Message)]
    async fn message(_: String) {}
}

fn main() {
    let _: Router = router![chat];
}
