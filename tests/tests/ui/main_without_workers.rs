// Somebody must work.
#[jstack_runtime::main(workers = 0)]
async fn main() {}
