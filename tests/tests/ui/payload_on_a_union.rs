// Unions cannot travel.
use jstack_runtime::prelude::*;

#[derive(Payload)]
pub union Message {
    pub a: u32,
    pub b: f32,
}

fn main() {}
