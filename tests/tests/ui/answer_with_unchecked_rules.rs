// Rules of a type inside another one are those of a payload.
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

#[procedure(get)]
async fn recent() -> (u8, Unchecked) {
    (1, Unchecked { text: String::new() })
}

#[procedure(get)]
async fn latest() -> SuperJson<Unchecked> {
    SuperJson(Unchecked { text: String::new() })
}

fn main() {
    let _: Router = router![recent, latest];
}
