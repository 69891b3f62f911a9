//! Who is in which room, by key. No clock, task or I/O.
//!
//! A member is a key with its connections, in any process. It exists while it has a connection. If
//! the room is watched, each change notes the key for the room's next difference:
//!
//! ```text
//!   enter / leave / set_state / forget_node ─▶ changed keys ─▶ differences(now) ─▶ watchers
//! ```
//!
//! Invariants:
//!
//! - A room exists while it has members or watchers.
//! - A room has changed keys only while it has watchers, and then it is in `dirty`.
//! - Differences of a room are [`PACE`] apart, and each has the number after the last one. A number
//!   is skipped when watchers are not sent a difference on purpose: they then ask for the list
//!   again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::value::RawValue;

use crate::protocol::member_view::MemberView;
use crate::protocol::presence::{Entry, Node};
use crate::socket_id::SocketId;

/// Milliseconds between two differences of a room.
pub(super) const PACE: u64 = 1000;
/// The most members that a list or a difference names.
pub(super) const LISTED: usize = 200;
/// In a room with more members, a difference has only the count.
pub(super) const MANY: usize = 1000;
/// The most bytes of members in a list or a difference.
const BYTES: usize = 256 * 1024;

/// One connection of a member.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) id: SocketId,
    pub(super) info: Arc<RawValue>,
    pub(super) state: Option<Arc<RawValue>>,
    /// When it joined, and when it last set its state, in milliseconds since 1970.
    pub(super) since: u64,
    pub(super) at: u64,
}

/// The rooms of a procedure. `W` is a connection that watches.
pub(super) struct Model<W> {
    rooms: BTreeMap<Arc<str>, Room<W>>,
    /// The rooms with changed keys.
    dirty: BTreeSet<Arc<str>>,
    /// Members of all rooms.
    members: usize,
}

struct Room<W> {
    members: BTreeMap<Box<str>, Vec<Connection>>,
    /// By the second half of the connections' ids.
    watchers: BTreeMap<u64, W>,
    changed: BTreeSet<Box<str>>,
    /// The number of the last difference.
    number: u64,
    /// When the next difference may go out.
    due: u64,
    /// Since when watchers got only the count.
    counted: bool,
}

impl<W> Default for Room<W> {
    fn default() -> Self {
        Self {
            members: BTreeMap::new(),
            watchers: BTreeMap::new(),
            changed: BTreeSet::new(),
            number: 0,
            due: 0,
            counted: false,
        }
    }
}

/// The first message for a watcher.
pub(super) struct Listing {
    pub(super) n: u64,
    pub(super) members: Vec<MemberView>,
    pub(super) count: usize,
}

/// A message for the watchers of a room.
pub(super) struct Difference<W> {
    pub(super) room: Arc<str>,
    pub(super) n: u64,
    pub(super) set: Vec<MemberView>,
    pub(super) gone: Vec<Box<str>>,
    pub(super) count: usize,
    pub(super) watchers: Vec<W>,
}

impl<W> Default for Model<W> {
    fn default() -> Self {
        Self { rooms: BTreeMap::new(), dirty: BTreeSet::new(), members: 0 }
    }
}

impl<W: Clone> Model<W> {
    /// Adds a connection to a room, or replaces its data.
    pub(super) fn enter(&mut self, room: &Arc<str>, key: &str, connection: Connection) {
        let at = self.rooms.entry(room.clone()).or_default();
        if !at.members.contains_key(key) {
            at.members.insert(key.into(), Vec::new());
            self.members += 1;
        }
        if let Some(connections) = at.members.get_mut(key) {
            connections.retain(|other| other.id != connection.id);
            connections.push(connection);
        }
        self.changed(room, key);
    }

    /// Removes a connection from a room.
    pub(super) fn leave(&mut self, room: &str, key: &str, id: SocketId) {
        let Some((room, at)) = self.at(room) else { return };
        let Some(connections) = at.members.get_mut(key) else { return };
        let before = connections.len();
        connections.retain(|connection| connection.id != id);
        if connections.len() == before {
            return;
        }
        if connections.is_empty() {
            at.members.remove(key);
            self.members -= 1;
        }
        self.changed(&room, key);
        self.forget_if_unused(&room);
    }

    /// Sets the state of a connection; `false` if it is not in the room.
    pub(super) fn set_state(
        &mut self,
        room: &str,
        key: &str,
        id: SocketId,
        state: Option<Arc<RawValue>>,
        now: u64,
    ) -> bool {
        let Some((room, at)) = self.at(room) else { return false };
        let connections = at.members.get_mut(key);
        let own = |connections: &'_ mut Vec<Connection>| {
            let at = connections.iter().position(|connection| connection.id == id)?;
            connections.get_mut(at).map(|own| (own.state, own.at) = (state, now))
        };
        if connections.and_then(own).is_none() {
            return false;
        }
        self.changed(&room, key);
        true
    }

    /// Removes all connections of a process.
    pub(super) fn forget_node(&mut self, node: u64) {
        let gone: Vec<_> =
            self.connections_of(node).map(|(r, k, c)| (r.clone(), k.into(), c.id)).collect();
        for (room, key, id) in gone {
            let key: Box<str> = key;
            self.leave(&room, &key, id);
        }
    }

    /// All connections of a process, as other processes read them.
    pub(super) fn entries_of(&self, node: u64) -> Vec<Entry> {
        self.connections_of(node).map(|(room, key, of)| entry(room, key, of)).collect()
    }

    /// A connection as other processes read it; `None` if it is not in the room.
    pub(super) fn entry_of(&self, room: &str, key: &str, id: SocketId) -> Option<Entry> {
        let (name, room) = self.rooms.get_key_value(room)?;
        let connections = room.members.get(key)?;
        let own = connections.iter().find(|connection| connection.id == id)?;
        Some(entry(name, key, own))
    }

    /// Begins to watch a room.
    pub(super) fn watch(&mut self, room: &str, id: SocketId, watcher: W) -> Listing {
        let at = self.rooms.entry(room.into()).or_default();
        at.watchers.insert(id.local, watcher);
        let (mut members, mut bytes) = (Vec::new(), 0);
        for (key, connections) in at.members.iter().take(LISTED) {
            let view = view(key, connections);
            bytes += view.size();
            members.push(view);
            if bytes > BYTES {
                break;
            }
        }
        Listing { n: at.number, members, count: at.members.len() }
    }

    /// Stops watching a room.
    pub(super) fn unwatch(&mut self, room: &str, id: SocketId) {
        let Some((room, at)) = self.at(room) else { return };
        at.watchers.remove(&id.local);
        if at.watchers.is_empty() {
            at.changed.clear();
            self.dirty.remove(&room);
        }
        self.forget_if_unused(&room);
    }

    /// The differences that are due, and when the next one is.
    pub(super) fn differences(&mut self, now: u64) -> (Vec<Difference<W>>, Option<u64>) {
        let (mut out, mut next) = (Vec::new(), None::<u64>);
        for name in std::mem::take(&mut self.dirty) {
            let Some(room) = self.rooms.get_mut(&name) else { continue };
            if room.due <= now {
                out.push(room.difference(name.clone(), now));
            }
            if !room.changed.is_empty() {
                next = Some(next.map_or(room.due, |next| next.min(room.due)));
                self.dirty.insert(name);
            }
        }
        (out, next)
    }

    /// The members of a room, by key.
    pub(super) fn list(&self, room: &str) -> Vec<MemberView> {
        let members = self.rooms.get(room).into_iter().flat_map(|room| &room.members);
        members.map(|(key, connections)| view(key, connections)).collect()
    }

    /// How many members a room has.
    pub(super) fn count(&self, room: &str) -> usize {
        self.rooms.get(room).map_or(0, |room| room.members.len())
    }

    /// How many members all rooms have together.
    pub(super) fn members(&self) -> usize {
        self.members
    }

    /// Whether no room is left.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.rooms.is_empty()
    }

    fn connections_of(&self, node: u64) -> impl Iterator<Item = (&Arc<str>, &str, &Connection)> {
        self.rooms.iter().flat_map(move |(name, room)| {
            room.members.iter().flat_map(move |(key, connections)| {
                let own = connections.iter().filter(move |connection| connection.id.node == node);
                own.map(move |connection| (name, &**key, connection))
            })
        })
    }

    fn at(&mut self, room: &str) -> Option<(Arc<str>, &mut Room<W>)> {
        let name = self.rooms.get_key_value(room)?.0.clone();
        self.rooms.get_mut(room).map(|at| (name, at))
    }

    fn changed(&mut self, name: &Arc<str>, key: &str) {
        let Some(room) = self.rooms.get_mut(name) else { return };
        if !room.watchers.is_empty() {
            room.changed.insert(key.into());
            self.dirty.insert(name.clone());
        }
    }

    fn forget_if_unused(&mut self, name: &str) {
        let unused = |room: &Room<W>| room.members.is_empty() && room.watchers.is_empty();
        if self.rooms.get(name).is_some_and(unused) {
            self.rooms.remove(name);
        }
    }
}

impl<W: Clone> Room<W> {
    fn difference(&mut self, room: Arc<str>, now: u64) -> Difference<W> {
        let count = self.members.len();
        let (mut set, mut gone) = (Vec::new(), Vec::new());
        if count > MANY {
            self.changed.clear();
            self.counted = true;
        } else {
            if std::mem::take(&mut self.counted) {
                // They have missed who came and left meanwhile.
                self.number += 1;
            }
            let mut bytes = 0;
            while bytes <= BYTES && set.len() + gone.len() < LISTED {
                let Some(key) = self.changed.pop_first() else { break };
                match self.members.get(&key) {
                    Some(connections) => {
                        let view = view(&key, connections);
                        bytes += view.size();
                        set.push(view);
                    }
                    None => gone.push(key),
                }
            }
        }
        self.number += 1;
        self.due = now + PACE;
        let watchers = self.watchers.values().cloned().collect();
        Difference { room, n: self.number, set, gone, count, watchers }
    }
}

/// A member as clients read it.
fn view(key: &str, connections: &[Connection]) -> MemberView {
    let newest = connections.iter().max_by_key(|connection| (connection.since, connection.id));
    let mut stated: Vec<_> = connections.iter().filter(|c| c.state.is_some()).collect();
    stated.sort_by_key(|connection| std::cmp::Reverse((connection.at, connection.id)));
    MemberView {
        key: key.into(),
        info: newest.map_or_else(|| Arc::from(RawValue::NULL.to_owned()), |c| c.info.clone()),
        states: stated.into_iter().filter_map(|connection| connection.state.clone()).collect(),
        connections: connections.len(),
        since: connections.iter().map(|connection| connection.since).min().unwrap_or_default(),
    }
}

fn entry(room: &Arc<str>, key: &str, of: &Connection) -> Entry {
    Entry {
        r: room.clone(),
        k: key.into(),
        c: Node(of.id.local),
        info: of.info.clone(),
        state: of.state.clone(),
        since: of.since,
        at: of.at,
    }
}
