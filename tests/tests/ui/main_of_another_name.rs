// The attribute makes a program's `main`.
use jstack_runtime::prelude::*;

#[jstack_runtime::main]
async fn serve() -> Result<(), BoxError> {
    App::new().run().await
}
