// What goes wrong is written to the terminal.
#[derive(Debug)]
struct Failed;

#[jstack_runtime::main]
async fn main() -> Result<(), Failed> {
    Err(Failed)
}
