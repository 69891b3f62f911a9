// A procedure has a module of its own name: there is none left for another module.
use jstack_runtime::prelude::*;
mod users {
    pub fn all() {}
}
#[procedure(get)]
async fn users() -> u8 {
    1
}
fn main() {
    users::all();
    let _: Router = router![users];
}
