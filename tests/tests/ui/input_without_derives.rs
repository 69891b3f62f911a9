//! An input type without its derives.

use jstack_runtime::prelude::*;

pub struct Page {
    pub limit: u32,
}

#[derive(Serialize, Deserialize, JsonSchema)]
pub struct Draft {
    pub title: String,
}

#[procedure(get, input = Page)]
pub async fn recent(page: Page) -> u32 {
    page.limit
}

#[procedure(post, input = Draft)]
pub async fn create(draft: Option<Draft>) -> bool {
    draft.is_some_and(|draft| draft.title.is_empty())
}

fn main() {
    let _: Router = router![recent, create];
}
