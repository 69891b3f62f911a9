// A module in a file of its own cannot carry an attribute macro: rustc says so first (E0658), and
// we say what to write.
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

#[procedure(ws, incoming = Chat, outgoing = Chat)]
#[path = "files/elsewhere.rs"]
mod elsewhere;

fn main() {}
