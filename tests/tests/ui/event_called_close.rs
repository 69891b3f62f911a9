// `close` is an emitter's own method.
use jstack_runtime::prelude::*;

#[derive(Clone, Debug, Events)]
pub enum Chat {
    Close(()),
}

fn main() {}
