// Also in the fields of a payload.
use jstack_runtime::prelude::*;

#[derive(Serialize, Deserialize, JsonSchema, Validate, Payload)]
pub struct Message {
    #[garde(length(chars, min = 1))]
    pub text: String,
}

#[derive(Serialize, Deserialize, JsonSchema, Validate)]
pub struct Unchecked {
    #[garde(length(chars, min = 1))]
    pub text: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Wrap<T>(pub T);

#[derive(Serialize, Deserialize, JsonSchema, Payload)]
pub struct Pair {
    pub pair: (u8, Unchecked),
}

#[derive(Serialize, Deserialize, JsonSchema, Payload)]
pub struct Wrapped {
    pub wrapped: Wrap<Message>,
}

fn main() {}
