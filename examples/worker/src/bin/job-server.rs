//! Serves the sockets. It finds Redis by `REDIS_URL`.

use jstack_runtime::prelude::*;
use worker::jobs;

#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    App::new().mount("post", router![jobs]).run().await
}
