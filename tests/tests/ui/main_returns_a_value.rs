// `main` returns nothing, an exit code, or a `Result`.
#[jstack_runtime::main]
async fn main() -> u32 {
    7
}
