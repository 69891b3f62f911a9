// The attribute belongs on a function.
#[jstack_runtime::main]
mod main {}

fn main() {}
