// The application is started without the state that its procedures need.
use jstack_runtime::prelude::*;
#[derive(Clone)]
pub struct Db;
#[procedure(get)]
async fn count(_: axum::extract::State<Db>) -> u8 {
    1
}
#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    App::new().mount("post", router![count]).run().await
}
