// `Json` around an answer, as in axum.
use jstack_runtime::prelude::*;
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Message {
    pub text: String,
}
#[procedure(get)]
async fn create() -> axum::Json<Message> {
    todo!()
}
fn main() {
    let _: Router = router![create];
}
