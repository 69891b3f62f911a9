// The event declares a reply that its handler does not return.
use jstack_runtime::prelude::*;

#[derive(Clone, Debug, Events)]
pub enum ToServer {
    #[event(reply = String)]
    Save(String),
}

#[derive(Clone, Debug, Events)]
pub enum ToClient {
    Saved(String),
}

#[procedure(ws, incoming = ToServer, outgoing = ToClient)]
mod chat {
    use super::*;

    #[on(Save)]
    async fn save(draft: String) -> Result {
        let _ = draft;
        Ok(())
    }
}

fn main() {
    let _: Router = router![chat];
}
