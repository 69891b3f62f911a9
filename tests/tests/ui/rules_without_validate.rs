// Rules that nothing runs: `Validate` is missing.
use jstack_runtime::prelude::*;

#[derive(Serialize, Deserialize, JsonSchema, Payload)]
pub struct Message {
    #[garde(length(chars, min = 1))]
    pub text: String,
}

fn main() {}
