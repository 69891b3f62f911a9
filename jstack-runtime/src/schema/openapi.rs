use super::contract::Contract;
use serde_json::{Value, json};
pub(super) fn document(contract: &Contract) -> Value {
    json!({"title": contract.title})
}
