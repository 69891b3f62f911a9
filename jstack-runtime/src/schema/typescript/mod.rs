//! One TypeScript file.

use super::contract::Contract;
pub(super) fn file(_: &Contract) -> String {
    String::new()
}
