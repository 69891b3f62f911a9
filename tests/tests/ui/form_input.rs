// A form is an input like any other.
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
async fn create(form: axum::extract::Form<Message>) -> Message {
    form.0
}

fn main() {
    let _: Router = router![create];
}
