//! What the application hears from the core: items of the inbox, and changes of presence.

use super::inbox::Item;
use super::presence::Presence;
use super::state::Core;
use crate::error::Error;

impl Core {
    /// Reports what no call returns.
    pub(in crate::client) fn report(&mut self, event: Option<String>, error: Error) {
        self.inbox.put(Item::Error { event, error });
    }

    /// The next thing that the application hears.
    pub(in crate::client) fn pop(&mut self) -> Option<Item> {
        self.inbox.pop()
    }

    /// Whether something waits for the application.
    pub(in crate::client) fn has_news(&self) -> bool {
        !self.inbox.is_empty() || self.presences.values().any(Presence::has_changes)
    }
}
