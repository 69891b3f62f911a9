// Tokio's attribute has other keys.
#[jstack_runtime::main(flavor = "current_thread")]
async fn main() {}
