//! How errors name a handler.

use crate::model::{Handler, Hook};

/// `` `#[on]` handler `message` ``
pub(super) fn called(handler: &Handler) -> String {
    match handler.hook {
        Hook::Procedure(kind) => format!("{} handler `{}`", kind.title(), handler.ident),
        hook => format!("`#[{}]` handler `{}`", hook.name(), handler.ident),
    }
}
