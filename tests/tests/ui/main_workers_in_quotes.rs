// `workers` is a number.
#[jstack_runtime::main(workers = "4")]
async fn main() {}
