//! An application whose commands are tested: `App::run` and nothing else.

#![allow(clippy::unused_async, reason = "a procedure is async")]
#![allow(clippy::wildcard_imports, clippy::ignored_unit_patterns, reason = "as users write them")]

use jstack_runtime::prelude::*;

/// A text with a rule.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
struct Said {
    #[garde(length(chars, min = 1, max = 40))]
    text: String,
    /// Absent unless sent.
    #[garde(skip)]
    #[serde(default)]
    loud: bool,
}

/// What clients get, and send.
#[derive(Clone, Debug, Events)]
enum Chat {
    Said(Said),
    Count(u64),
    Cleared(()),
}

#[procedure(ws, incoming = Chat, outgoing = Chat)]
mod chat {
    use super::*;

    #[connect]
    async fn connect(socket: Socket) -> Result {
        socket.join("general").await?;
        // Its own id, so that a test can leave it out.
        socket.emit().said(&Said { text: socket.id().to_string(), loud: false }).await
    }

    #[on(Said)]
    async fn said(io: Io, said: Said) -> Result {
        io.to("general").said(&said).await
    }

    #[on(Count)]
    async fn count(_: u64) {}

    #[on(Cleared)]
    async fn cleared(_: ()) {}
}

/// What a sum is made of.
#[derive(Debug, Serialize, Deserialize, JsonSchema, Payload)]
struct Sum {
    a: u64,
    #[serde(default)]
    b: u64,
    #[serde(default)]
    text: String,
}

#[procedure(get, input = Sum)]
async fn add(sum: Sum) -> String {
    format!("{}{}", sum.a + sum.b, sum.text)
}

#[procedure(post, input = Sum)]
async fn double(sum: Sum) -> Result<Sum> {
    match sum.a {
        0 => Err(Error::conflict("zero stays zero")),
        a => Ok(Sum { a: 2 * a, ..sum }),
    }
}

#[procedure(post)]
async fn nothing() {}

#[procedure(get)]
async fn when() -> SuperJson<Option<u8>> {
    SuperJson(Some(3))
}

#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    App::new().mount("post", router![chat, add, double, nothing, when]).run().await
}
