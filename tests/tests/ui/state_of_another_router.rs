// The router has another state: the label is at the argument.
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

#[derive(Clone)]
pub struct Db;

#[derive(Clone)]
pub struct AppState;

fn add(router: Router<AppState>) -> Router<AppState> {
    router.procedure(chat::Procedure)
}

#[procedure(ws, incoming = Chat, outgoing = Chat)]
mod chat {
    use super::*;

    #[on(Message)]
    async fn message(_: State<Db>, _: Message) {}

    #[on(Cleared)]
    async fn cleared(_: ()) {}
}

fn main() {
    let _ = add;
}
