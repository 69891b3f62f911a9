// The whole request, as in axum: a procedure takes its input.
use axum::extract::Request;
use jstack_runtime::prelude::*;
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Message {
    pub text: String,
}
#[procedure(post)]
async fn create(_: Request) -> u8 {
    1
}
fn main() {
    let _: Router = router![create];
}
