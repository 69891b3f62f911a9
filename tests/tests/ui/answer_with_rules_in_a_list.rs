// A type that contains rules checks them, also where it is inside another one.
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
pub enum Found {
    One(Box<Message>),
}

#[procedure(get)]
async fn recent() -> Result<Vec<Found>> {
    Ok(Vec::new())
}

fn main() {
    let _: Router = router![recent];
}
