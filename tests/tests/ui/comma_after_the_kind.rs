// A comma is missing after the kind.
use jstack_runtime::prelude::*;
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Message {
    pub text: String,
}
#[procedure(post input = Message)]
async fn create(m: Message) -> u8 {
    1
}
fn main() {
    let _: Router = router![create];
}
