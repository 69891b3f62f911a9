// An answer with a lifetime that nothing has.
use jstack_runtime::prelude::*;
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Message {
    pub text: String,
}
#[procedure(get)]
async fn create<'a>() -> &'a str {
    "a"
}
fn main() {
    let _: Router = router![create];
}
