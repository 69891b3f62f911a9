// A payload type has a name of its own.
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

pub mod model {
    use super::*;

    #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
    pub struct Socket {
        pub volts: u32,
    }
}

#[derive(Clone, Debug, Events)]
pub enum House {
    Plugged(model::Socket),
}

#[procedure(ws, incoming = House, outgoing = House)]
mod house {
    use super::*;

    #[on(Plugged)]
    async fn plugged(_: Socket) {}
}

fn main() {
    let _: Router = router![house];
}
