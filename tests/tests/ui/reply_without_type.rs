// `reply` and `ask` name a type.
use jstack_runtime::prelude::*;

#[derive(Clone, Debug, Events)]
pub enum Chat {
    #[event(reply)]
    Save(String),
}

fn main() {}
