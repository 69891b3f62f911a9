// The input is what `Json` is in axum.
use jstack_runtime::prelude::*;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Message {
    pub text: String,
}

#[derive(Clone, Debug, Events)]
pub enum Chat {
    Message(Message),
    Cleared(()),
}

#[procedure(post)]
async fn create(axum::Json(new): axum::Json<Message>) -> Message {
    new
}

fn main() {
    let _: Router = router![create];
}
