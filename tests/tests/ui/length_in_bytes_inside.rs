// Also inside lists and options, and whatever else than characters is counted.
use jstack_runtime::prelude::*;

#[derive(Serialize, Deserialize, JsonSchema, Validate, Payload)]
pub struct Message {
    #[garde(inner(length(bytes, max = 8)))]
    pub tags: Vec<String>,
}

fn main() {}
