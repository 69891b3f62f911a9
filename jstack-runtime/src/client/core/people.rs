//! Presence: what rooms' watchers want is carried out here.

use tokio::time::Instant;

use super::presence::{Change, Effect, Presence};
use super::requests::{Ask, Id};
use super::state::Core;

impl Core {
    /// Lets a room's presence do something, and carries out what it wants.
    pub(super) fn with_presence<T>(
        &mut self,
        room: &str,
        act: impl FnOnce(&mut Presence) -> T,
    ) -> T {
        if !self.presences.contains_key(room) {
            let joined = self.room(room).0;
            self.presences.insert(room.to_owned(), Presence::new(joined));
        }
        let presence = self.presences.entry(room.to_owned()).or_default();
        let result = act(presence);
        for effect in presence.effects() {
            match effect {
                Effect::Ask => self.ask_members(room),
                Effect::Off => self.push(&("$presence", Off { r: room, off: true })),
                Effect::Say(state) => {
                    // What was encoded before is JSON.
                    let state =
                        state.and_then(|json| serde_json::value::RawValue::from_string(json).ok());
                    self.push(&("$state", State { r: room, s: state }));
                }
                Effect::Report(error) => self.report(None, error),
            }
        }
        result
    }

    fn ask_members(&mut self, room: &str) {
        let until = Instant::now() + self.request_timeout();
        let id = self.requests.own(Ask::Members(room.to_owned()), until);
        self.push(&("$presence", Of { r: room }, Id { i: &id }));
    }

    fn push(&mut self, frame: &impl serde::Serialize) {
        // Texts and JSON always encode.
        self.out.push(serde_json::to_string(frame).unwrap_or_default());
    }

    // --------------------------------------------------------------------------- for the handles

    /// Watches a room: the number of the one who watches.
    pub(in crate::client) fn watch(&mut self, room: &str) -> u64 {
        self.watchers += 1;
        let watcher = self.watchers;
        self.with_presence(room, |presence| presence.watch(watcher));
        watcher
    }

    pub(in crate::client) fn unwatch(&mut self, room: &str, watcher: u64) {
        self.with_presence(room, |presence| presence.unwatch(watcher));
    }

    pub(in crate::client) fn next_change(&mut self, room: &str, watcher: u64) -> Option<Change> {
        self.presences.get_mut(room)?.next(watcher)
    }

    pub(in crate::client) fn presence(&self, room: &str) -> Option<&Presence> {
        self.presences.get(room)
    }

    /// Says something about this client, JSON; `None` takes it back.
    pub(in crate::client) fn say_state(&mut self, room: &str, state: Option<String>) {
        self.with_presence(room, |presence| presence.say(state));
    }
}

#[derive(serde::Serialize)]
struct Of<'a> {
    r: &'a str,
}

#[derive(serde::Serialize)]
struct Off<'a> {
    r: &'a str,
    off: bool,
}

#[derive(serde::Serialize)]
struct State<'a> {
    r: &'a str,
    s: Option<Box<serde_json::value::RawValue>>,
}
