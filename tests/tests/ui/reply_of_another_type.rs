// The event declares a reply of another type than its handler returns.
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
    async fn save(draft: String) -> Result<u32> {
        Ok(draft.len() as u32)
    }
}

fn main() {
    let _: Router = router![chat];
}
