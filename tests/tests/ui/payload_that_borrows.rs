// A payload owns its data.
use jstack_runtime::prelude::*;

#[derive(Serialize, Deserialize, JsonSchema, Payload)]
pub struct Message<'a> {
    pub text: &'a str,
}

fn main() {}
