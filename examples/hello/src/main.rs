//! Two procedures: one answers a GET, the other passes what one socket says to all of them.
//!
//! `cargo run -p hello`, then `curl 127.0.0.1:8080/api/hello/version`.

use jstack_runtime::prelude::*;

/// The events of `chat`: clients send them, and clients receive them.
#[derive(Clone, Debug, Events)]
pub enum Chat {
    /// On the wire: `["say","hello"]`.
    Say(String),
}

#[procedure(ws, incoming = Chat, outgoing = Chat)]
pub mod chat {
    use super::*;

    #[on(Say)]
    async fn say(io: Io, text: String) -> Result {
        io.all().say(&text).await
    }
}

/// The version of this program.
#[procedure(get)]
pub async fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

fn app() -> App {
    App::new().mount("hello", router![chat, version])
}

#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    app().run().await
}

#[cfg(test)]
mod tests;
