// A type that contains rules checks them: it derives `Payload`.
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

#[derive(Serialize, JsonSchema)]
pub struct Page {
    pub messages: Vec<Message>,
}

#[procedure(get)]
async fn recent() -> Page {
    Page { messages: Vec::new() }
}

fn main() {
    let _: Router = router![recent];
}
