//! The model against sets. In any order of joins, leaves and states, a client that applies the
//! differences has the room's members, and nothing is left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::value::{RawValue, to_raw_value};

use super::model::{Connection, LISTED, MANY, Model, PACE};
use crate::protocol::member_view::MemberView;
use crate::socket_id::SocketId;

const ROOMS: [&str; 2] = ["a", "b"];
const KEYS: [&str; 4] = ["ann", "bo", "cy", "di"];
const WATCHERS: u64 = 2;

#[derive(Clone, Copy, Debug)]
enum Step {
    Enter { room: usize, key: usize, node: u64, local: u64 },
    Leave { room: usize, key: usize, node: u64, local: u64 },
    Say { room: usize, key: usize, node: u64, local: u64, state: Option<u8> },
    ForgetNode(u64),
    Watch(usize, u64),
    Unwatch(usize, u64),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let connection = (0..ROOMS.len(), 0..KEYS.len(), 0..3_u64, 0..3_u64);
    prop_oneof![
        6 => connection.clone().prop_map(|(room, key, node, local)| Step::Enter { room, key, node, local }),
        4 => connection.clone().prop_map(|(room, key, node, local)| Step::Leave { room, key, node, local }),
        3 => (connection, proptest::option::of(0..3_u8)).prop_map(|((room, key, node, local), state)| Step::Say { room, key, node, local, state }),
        1 => (0..3_u64).prop_map(Step::ForgetNode),
        2 => (0..ROOMS.len(), 0..WATCHERS).prop_map(|(room, w)| Step::Watch(room, w)),
        1 => (0..ROOMS.len(), 0..WATCHERS).prop_map(|(room, w)| Step::Unwatch(room, w)),
        3 => (0..2 * PACE).prop_map(Step::Wait),
    ]
}

/// When a connection last set its state, and the state.
type State = Option<(u64, u8)>;

/// A connection, with when it joined and its state.
type Joined = (SocketId, u64, State);

/// A client's view of a room.
#[derive(Default)]
struct Client {
    n: u64,
    /// When it last got something.
    last: Option<u64>,
    members: BTreeMap<Box<str>, String>,
    count: usize,
}

/// A member in a comparable form.
fn text(view: &MemberView) -> String {
    serde_json::to_string(view).unwrap()
}

fn raw(value: &impl serde::Serialize) -> Arc<RawValue> {
    to_raw_value(value).unwrap().into()
}

fn watcher(number: u64) -> SocketId {
    SocketId { node: 100, local: number }
}

#[derive(Default)]
struct Rig {
    model: Model<u64>,
    now: u64,
    clock: u64,
    /// Room, key and connection, with when it joined and its state.
    truth: BTreeMap<(usize, usize, SocketId), (u64, State)>,
    clients: BTreeMap<(usize, u64), Client>,
}

impl Rig {
    fn tick(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Enter { room, key, node, local } => {
                let (id, since) = (SocketId { node, local }, self.tick());
                let connection =
                    Connection { id, info: raw(&KEYS[key]), state: None, since, at: since };
                self.model.enter(&ROOMS[room].into(), KEYS[key], connection);
                self.truth.insert((room, key, id), (since, None));
            }
            Step::Leave { room, key, node, local } => {
                let id = SocketId { node, local };
                self.model.leave(ROOMS[room], KEYS[key], id);
                self.truth.remove(&(room, key, id));
            }
            Step::Say { room, key, node, local, state } => {
                let (id, at) = (SocketId { node, local }, self.tick());
                let said = state.map(|state| raw(&state));
                let known = self.model.set_state(ROOMS[room], KEYS[key], id, said, at);
                let own = self.truth.get_mut(&(room, key, id));
                assert_eq!(known, own.is_some());
                if let Some(own) = own {
                    own.1 = state.map(|state| (at, state));
                }
            }
            Step::ForgetNode(node) => {
                self.model.forget_node(node);
                self.truth.retain(|(_, _, id), _| id.node != node);
                assert!(self.model.entries_of(node).is_empty());
            }
            Step::Watch(room, number) => {
                let list = self.model.watch(ROOMS[room], watcher(number), number);
                let members = list.members.iter().map(|view| (view.key.clone(), text(view)));
                let client =
                    Client { n: list.n, last: None, members: members.collect(), count: list.count };
                self.clients.insert((room, number), client);
            }
            Step::Unwatch(room, number) => {
                self.model.unwatch(ROOMS[room], watcher(number));
                self.clients.remove(&(room, number));
            }
            Step::Wait(time) => {
                self.now += time;
                self.apply();
            }
        }
    }

    /// Delivers what is due.
    fn apply(&mut self) -> Option<u64> {
        let (differences, next) = self.model.differences(self.now);
        for difference in differences {
            let room = ROOMS.iter().position(|name| *name == &*difference.room).unwrap();
            let watching: BTreeSet<u64> =
                self.clients.keys().filter(|(at, _)| *at == room).map(|(_, w)| *w).collect();
            assert_eq!(difference.watchers.iter().copied().collect::<BTreeSet<_>>(), watching);
            for number in watching {
                let client = self.clients.get_mut(&(room, number)).unwrap();
                assert_eq!(difference.n, client.n + 1, "no number is missing");
                let last = client.last.replace(self.now);
                assert!(last.is_none_or(|last| self.now - last >= PACE), "at most one a second");
                client.n = difference.n;
                client.count = difference.count;
                for key in &difference.gone {
                    client.members.remove(key);
                }
                for view in &difference.set {
                    client.members.insert(view.key.clone(), text(view));
                }
            }
        }
        next
    }

    /// The members of a room according to the sets.
    fn expected(&self, room: usize) -> BTreeMap<Box<str>, String> {
        let mut members: BTreeMap<usize, Vec<Joined>> = BTreeMap::new();
        for ((at, key, id), (since, state)) in &self.truth {
            if *at == room {
                members.entry(*key).or_default().push((*id, *since, *state));
            }
        }
        let view = |(key, connections): (usize, Vec<Joined>)| {
            let mut states: Vec<_> = connections.iter().filter_map(|c| c.2).collect();
            states.sort_unstable();
            let view = MemberView {
                key: KEYS[key].into(),
                info: raw(&KEYS[key]),
                states: states.iter().rev().map(|(_, state)| raw(state)).collect(),
                connections: connections.len(),
                since: connections.iter().map(|c| c.1).min().unwrap(),
            };
            (view.key.clone(), text(&view))
        };
        members.into_iter().map(view).collect()
    }

    fn check(&mut self) {
        while self.apply().is_some() {
            self.now += PACE;
        }
        let members: usize = (0..ROOMS.len()).map(|room| self.expected(room).len()).sum();
        assert_eq!(self.model.members(), members);
        for (at, room) in ROOMS.into_iter().enumerate() {
            let expected = self.expected(at);
            let list = self.model.list(room);
            let listed: BTreeMap<_, _> =
                list.iter().map(|view| (view.key.clone(), text(view))).collect();
            assert_eq!((list.len(), self.model.count(room)), (expected.len(), expected.len()));
            assert_eq!(listed, expected);
            for ((_, number), client) in self.clients.iter().filter(|((room, _), _)| *room == at) {
                assert_eq!(client.members, expected, "client {number} of {room}");
                assert_eq!(client.count, expected.len());
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_client_that_applies_the_differences_has_what_the_room_has(
        steps in proptest::collection::vec(step(), 1..80)
    ) {
        let mut rig = Rig::default();
        for step in steps {
            rig.step(step);
        }
        rig.check();
        for node in 0..3 {
            rig.step(Step::ForgetNode(node));
        }
        for (room, number) in rig.clients.keys().copied().collect::<Vec<_>>() {
            rig.step(Step::Unwatch(room, number));
        }
        prop_assert!(rig.model.is_empty(), "all left: nothing remains");
    }
}

fn connection(local: u64) -> Connection {
    let id = SocketId { node: 1, local };
    Connection { id, info: raw(&local), state: None, since: local, at: local }
}

fn fill(model: &mut Model<u64>, range: std::ops::Range<usize>) {
    for number in range {
        model.enter(&"a".into(), &format!("{number:05}"), connection(number as u64));
    }
}

#[test]
fn a_crowd_is_a_count_and_below_it_the_list_is_asked_for_again() {
    let mut model = Model::default();
    fill(&mut model, 0..MANY);
    let list = model.watch("a", watcher(1), 1);
    assert_eq!((list.members.len(), list.count, list.n), (LISTED, MANY, 0));
    fill(&mut model, MANY..MANY + 1);
    let (differences, _) = model.differences(0);
    let [crowd] = &*differences else { panic!("one difference") };
    assert_eq!((crowd.n, crowd.set.len(), crowd.gone.len(), crowd.count), (1, 0, 0, MANY + 1));
    model.leave("a", "00003", SocketId { node: 1, local: 3 });
    model.leave("a", "00004", SocketId { node: 1, local: 4 });
    assert!(model.differences(PACE - 1).0.is_empty());
    let (differences, _) = model.differences(PACE);
    let [fewer] = &*differences else { panic!("one difference") };
    assert_eq!((fewer.n, fewer.gone.len(), fewer.count), (3, 2, MANY - 1), "2 is left out");
}

#[test]
fn many_changes_at_once_come_over_several_seconds() {
    let mut model = Model::default();
    let _ = model.watch("a", watcher(1), 1);
    fill(&mut model, 0..LISTED + 10);
    let (first, next) = model.differences(0);
    assert_eq!((first[0].set.len(), first[0].count, next), (LISTED, LISTED + 10, Some(PACE)));
    let (second, next) = model.differences(PACE);
    assert_eq!((second[0].n, second[0].set.len(), next), (2, 10, None));
}

#[test]
fn a_change_is_told_at_once_if_the_second_was_quiet() {
    let mut model = Model::default();
    let _ = model.watch("a", watcher(1), 1);
    model.enter(&"a".into(), "ann", connection(1));
    let (first, next) = model.differences(5 * PACE);
    assert_eq!((first.len(), next), (1, None));
    model.leave("a", "ann", SocketId { node: 1, local: 1 });
    let (none, next) = model.differences(5 * PACE + 1);
    assert_eq!((none.len(), next), (0, Some(6 * PACE)));
}
