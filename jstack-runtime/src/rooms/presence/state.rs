//! The presence of one procedure in this process.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use serde_json::value::RawValue;

use super::model::Model;
use super::peers::{Effect, Peers};
use crate::error::Result;
use crate::meters::PresenceMeters;
use crate::protocol::presence::{Changes, Entry, Gone, Node};
use crate::rooms::member::Member;
use crate::socket_id::SocketId;
use crate::sync::{Mutex, Notify, OnceCell};

use super::model::Connection;

/// Decodes the state that a client sets, checks its rules, and encodes it again.
pub(crate) type CheckState = fn(&str) -> Result<Box<RawValue>>;

/// Presence of one procedure.
///
/// Locks are taken in this order: a connection's [`Personal`](super::Personal), the state, a queue.
pub(crate) struct Presence {
    pub(super) check: CheckState,
    pub(super) state: Mutex<State>,
    /// Notified when the driver has something to do.
    pub(super) wake: Arc<Notify>,
    pub(super) meters: OnceLock<PresenceMeters>,
    /// Set once this process is subscribed and the driver runs.
    pub(super) started: OnceCell<()>,
    /// Set once the other processes had time to answer.
    pub(super) settled: OnceCell<()>,
}

/// The state behind the lock.
pub(super) struct State {
    pub(super) model: Model<Arc<Member>>,
    pub(super) peers: Peers,
    pub(super) out: Out,
}

/// What this process has to send to others.
#[derive(Default)]
pub(super) struct Out {
    /// Whether other processes may exist.
    pub(super) shared: bool,
    /// The number of the last change that was sent.
    pub(super) n: u64,
    /// The keys of connections that joined, left or set their state, by room and connection.
    pub(super) changed: BTreeMap<(Arc<str>, u64), Box<str>>,
    pub(super) hello: bool,
    /// Processes to ask, and processes to answer.
    pub(super) asks: BTreeSet<u64>,
    pub(super) answers: BTreeSet<u64>,
    /// When changes may be sent again, and when the next beat is due.
    pub(super) flush: u64,
    pub(super) beat: u64,
}

impl Presence {
    pub(crate) fn new(check: CheckState) -> Self {
        Self {
            check,
            state: Mutex::new(State {
                model: Model::default(),
                peers: Peers::default(),
                out: Out::default(),
            }),
            wake: Arc::new(Notify::new()),
            meters: OnceLock::new(),
            started: OnceCell::new(),
            settled: OnceCell::new(),
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        // Ends the driver.
        self.wake.notify_one();
    }
}

impl State {
    /// Adds a connection of this process to a room.
    pub(super) fn enter(&mut self, room: &Arc<str>, key: &str, connection: Connection) {
        self.note(room, key, connection.id);
        self.model.enter(room, key, connection);
    }

    /// Removes a connection of this process from a room.
    pub(super) fn leave(&mut self, room: &Arc<str>, key: &str, id: SocketId) {
        self.model.leave(room, key, id);
        self.note(room, key, id);
    }

    /// Sets the state of a connection of this process.
    pub(super) fn set_state(
        &mut self,
        room: &Arc<str>,
        key: &str,
        id: SocketId,
        state: Option<Arc<RawValue>>,
        now: u64,
    ) {
        if self.model.set_state(room, key, id, state, now) {
            self.note(room, key, id);
        }
    }

    fn note(&mut self, room: &Arc<str>, key: &str, id: SocketId) {
        if self.out.shared {
            self.out.changed.insert((room.clone(), id.local), key.into());
        }
    }

    /// Takes at most `most` changes to send; `None` where there are none.
    pub(super) fn take_changes(&mut self, node: u64, most: usize) -> Option<Changes> {
        let mut changes = Changes::default();
        while changes.set.len() + changes.gone.len() < most {
            let Some(((room, local), key)) = self.out.changed.pop_first() else { break };
            match self.model.entry_of(&room, &key, SocketId { node, local }) {
                Some(entry) => changes.set.push(entry),
                None => changes.gone.push(Gone { r: room, k: key, c: Node(local) }),
            }
        }
        let is_some = !changes.set.is_empty() || !changes.gone.is_empty();
        is_some.then_some(changes)
    }

    /// Carries out the reaction to a message.
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Apply(node, changes) => {
                    for Gone { r, k, c } in changes.gone {
                        self.model.leave(&r, &k, SocketId { node, local: c.0 });
                    }
                    self.enter_all(node, changes.set);
                }
                Effect::Replace(node, entries) => {
                    self.model.forget_node(node);
                    self.enter_all(node, entries);
                }
                Effect::Forget(node) => self.model.forget_node(node),
                Effect::Ask(node) => drop(self.out.asks.insert(node)),
                Effect::Answer(node) => drop(self.out.answers.insert(node)),
            }
        }
    }

    fn enter_all(&mut self, node: u64, entries: Vec<Entry>) {
        for Entry { r, k, c, info, state, since, at } in entries {
            let id = SocketId { node, local: c.0 };
            self.model.enter(&r, &k, Connection { id, info, state, since, at });
        }
    }
}
