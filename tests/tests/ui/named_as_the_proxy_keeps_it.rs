// The clients' proxy keeps the names `index` and `then` for itself.
use jstack_runtime::prelude::*;

#[procedure(get)]
async fn index() -> u32 {
    1
}

#[procedure(get, rename = "then")]
async fn later() -> u32 {
    1
}

fn main() {
    let _: Router = router![index, later];
}
