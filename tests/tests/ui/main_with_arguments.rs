// A program's `main` takes nothing.
use jstack_runtime::prelude::*;

#[jstack_runtime::main]
async fn main(app: App) -> Result<(), BoxError> {
    app.run().await
}
