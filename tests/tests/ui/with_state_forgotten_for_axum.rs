// The same, to be nested into another application.
use jstack_runtime::prelude::*;
#[derive(Clone)]
pub struct Db;
#[procedure(get)]
async fn count(_: axum::extract::State<Db>) -> u8 {
    1
}
fn router() -> Router<Db> {
    router![count]
}
fn main() {
    let _: axum::Router = App::new().mount("post", router()).into_router();
}
