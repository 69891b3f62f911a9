//! What a server and its clients share: events, payloads and markers.

use jstack_runtime::prelude::*;
use jstack_runtime::{HttpProcedure, PresenceProcedure, Shown, SocketProcedure, shown};

/// A message before it has a number.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Validate, Payload)]
pub struct Draft {
    #[garde(length(chars, min = 1, max = 20))]
    pub text: String,
}

/// A message that the server has numbered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Post {
    pub id: u32,
    pub text: String,
}

#[derive(Clone, Debug, Events)]
pub enum ToServer {
    /// Numbers a draft, and sends it to the room.
    #[event(reply = u32)]
    Save(Draft),
}

#[derive(Clone, Debug, Events)]
pub enum ToClient {
    Saved(Post),
    #[event(ask = bool)]
    Confirm(String),
}

/// The socket of the room: `post/room`.
pub enum Room {}

impl SocketProcedure for Room {
    type Incoming = ToServer;
    type Outgoing = ToClient;
}

impl PresenceProcedure for Room {
    type Status = bool;
    type Info = ();
    const STATUS: Shown<bool> = shown();
    const INFO: Shown<()> = shown();
}

/// How many posts are asked for.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Page {
    pub limit: usize,
}

/// The newest posts: GET `post/recent`.
pub enum Recent {}

impl HttpProcedure for Recent {
    type Input = Page;
    type Output = Vec<Post>;
}
