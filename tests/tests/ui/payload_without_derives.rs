// The payload of an event derives four traits, and the message names them once.
use jstack_runtime::prelude::*;

pub struct Message {
    pub text: String,
}

#[derive(Events)]
pub enum Chat {
    Message(Message),
}

fn main() {}
