//! States of an application that are trait objects.

use std::sync::Arc;

use crate::*;

/// A state behind a trait object, as programs with several stores have it.
trait Store: Send + Sync {
    fn name(&self) -> String;
}

impl FromRef<AppState> for Arc<dyn Store> {
    fn from_ref(_: &AppState) -> Self {
        unimplemented!("compiling is the test")
    }
}

#[procedure(get, state = AppState)]
async fn behind_a_trait(State(store): State<Arc<dyn Store>>) -> String {
    store.name()
}

#[procedure(ws, incoming = Chat, outgoing = Chat, state = AppState)]
mod behind_a_trait_too {
    use super::*;

    #[connect]
    async fn connect(State(store): State<Arc<dyn Store>>) -> Arc<dyn Store> {
        store
    }

    #[fallback]
    async fn event(_: &mut Arc<dyn Store>, State(_): State<Arc<dyn Store>>, _: Incoming) {}
}

#[procedure(ws, incoming = Chat, outgoing = Chat, state = AppState)]
async fn behind_a_trait_looped(
    State(store): State<Arc<dyn Store>>,
    mut events: Receiver<behind_a_trait_looped::Procedure>,
) {
    while let Ok(Some(_)) = events.recv().await {
        assert!(!store.name().is_empty());
    }
}

#[test]
fn a_pinned_state_may_give_trait_objects() {
    let _: Router<AppState> = router![behind_a_trait, behind_a_trait_too, behind_a_trait_looped];
}
