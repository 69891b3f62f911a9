// A length counts characters, as the schema does: write `chars`.
use jstack_runtime::prelude::*;

#[derive(Serialize, Deserialize, JsonSchema, Validate, Payload)]
pub struct Message {
    #[garde(length(min = 1))]
    pub text: String,
    #[garde(skip)]
    pub rest: u32,
}

fn main() {}
