// What is held across an await must be `Send`: the line is the handler's.
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

#[procedure(get)]
async fn create() -> u32 {
    let count = std::rc::Rc::new(1);
    std::future::ready(()).await;
    *count
}

fn main() {
    let _: Router = router![create];
}
