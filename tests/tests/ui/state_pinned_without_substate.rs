// With `state = …` the error is where the extractor is named.
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

#[derive(Clone)]
pub struct Db;

#[derive(Clone)]
pub struct AppState;

#[procedure(get, state = AppState)]
async fn recent(_: State<Db>) -> u32 {
    1
}

fn main() {}
