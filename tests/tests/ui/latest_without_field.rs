// `latest` names a field that the payload does not have.
use jstack_runtime::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Cursor {
    pub id: u32,
}

#[derive(Clone, Debug, Events)]
pub enum Board {
    #[event(latest = idd)]
    Cursor(Cursor),
}

fn main() {}
