// `main` is `async`, too.
use jstack_runtime::prelude::*;

#[jstack_runtime::main]
fn main() -> Result<(), BoxError> {
    App::new().run().await
}
