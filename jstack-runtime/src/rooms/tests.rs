//! Rooms against a model: whatever is joined, left and emitted in whatever order, each connection
//! gets exactly what the sets say, and nothing is left behind.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::{Hub, Member, Node};
use crate::broker::PublishOutcome;
use crate::events::{EventPublisher, Target, To};
use crate::frame::HEADROOM;
use crate::limits::Limits;
use crate::protocol::profile::Profile;
use crate::rooms::JoinOptions;
use crate::socket_id::SocketId;

const SOCKETS: usize = 5;
const ROOMS: [&str; 4] = ["a", "b", "../c", "*"];

#[derive(Clone, Debug)]
enum Step {
    Join(usize, usize),
    Leave(usize, usize),
    Close(usize),
    Emit { to: Vec<usize>, except: Option<usize>, except_room: Option<usize> },
}

fn step() -> impl Strategy<Value = Step> {
    let (socket, room) = (0..SOCKETS, 0..ROOMS.len());
    prop_oneof![
        4 => (socket.clone(), room.clone()).prop_map(|(s, r)| Step::Join(s, r)),
        2 => (socket.clone(), room.clone()).prop_map(|(s, r)| Step::Leave(s, r)),
        1 => socket.clone().prop_map(Step::Close),
        4 => (
            proptest::collection::vec(room.clone(), 0..4),
            proptest::option::of(socket),
            proptest::option::of(room),
        )
            .prop_map(|(to, except, except_room)| Step::Emit { to, except, except_room }),
    ]
}

fn hub() -> Arc<Hub> {
    let process = Node::new();
    let limits = Limits {
        joins_per_second: Limits::NONE,
        queue_frames: Limits::NONE,
        queue_bytes: Limits::NONE,
        ..Limits::default()
    };
    process.configure(Arc::new(crate::broker::Memory::new()), limits);
    let hub = Hub::new(Arc::new(process));
    hub.name("test/rooms");
    hub
}

fn emit(hub: &Hub, to: To<'_>, except: Option<SocketId>, except_room: Option<&str>) {
    let mut target = Target::new(hub, to);
    if let Some(id) = except {
        target = target.except(id);
    }
    if let Some(room) = except_room {
        target = target.except_room(Cow::Borrowed(room));
    }
    let mut buffer = vec![0; HEADROOM];
    buffer.extend_from_slice(b"[\"e\",1]");
    assert!(matches!(hub.publish(&target, &mut buffer), PublishOutcome::Done(Ok(()))));
}

/// Messages that wait for a connection: it has no stream, so they stay in the queue.
fn waiting(member: &Member) -> usize {
    member.out().waiting() / b"\x81\x07[\"e\",1]".len()
}

async fn run(steps: Vec<Step>) {
    let hub = hub();
    let mut members: Vec<Arc<Member>> = Vec::new();
    for _ in 0..SOCKETS {
        members
            .push(hub.enter(None, Profile::Base).await.expect("the embedded broker never fails"));
    }
    let mut open = [true; SOCKETS];
    let mut model: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let mut expected = [0; SOCKETS];
    for step in steps {
        match step {
            Step::Join(socket, room) => {
                let joined = hub.join(&members[socket], ROOMS[room], JoinOptions::default()).await;
                assert_eq!(joined.is_ok(), open[socket]);
                if open[socket] {
                    model.entry(room).or_default().insert(socket);
                }
            }
            Step::Leave(socket, room) => {
                hub.leave(&members[socket], ROOMS[room]);
                model.entry(room).or_default().remove(&socket);
            }
            Step::Close(socket) => {
                hub.leave_all(&members[socket]);
                open[socket] = false;
                for room in model.values_mut() {
                    room.remove(&socket);
                }
            }
            Step::Emit { to, except, except_room } => {
                let names: Vec<Cow<'_, str>> =
                    to.iter().map(|r| Cow::Borrowed(ROOMS[*r])).collect();
                let target = if names.is_empty() { To::All } else { To::Rooms(names) };
                emit(&hub, target, except.map(|s| members[s].id), except_room.map(|r| ROOMS[r]));
                let out =
                    except_room.and_then(|room| model.get(&room).cloned()).unwrap_or_default();
                for socket in 0..SOCKETS {
                    let selected = to.is_empty()
                        || to
                            .iter()
                            .any(|r| model.get(r).is_some_and(|room| room.contains(&socket)));
                    let left_out = except == Some(socket) || out.contains(&socket);
                    expected[socket] += usize::from(open[socket] && selected && !left_out);
                }
            }
        }
        for socket in 0..SOCKETS {
            assert_eq!(waiting(&members[socket]), expected[socket], "socket {socket}");
            let mut rooms = members[socket].room_names();
            rooms.sort_unstable();
            let mut held: Vec<_> = (0..ROOMS.len())
                .filter(|r| model.get(r).is_some_and(|room| room.contains(&socket)))
                .map(|r| ROOMS[r].to_owned())
                .collect();
            held.sort_unstable();
            assert_eq!(rooms, held, "rooms of {socket}");
        }
    }
    for member in &members {
        hub.leave_all(member);
    }
    assert_eq!((hub.rooms_held(), hub.connections()), (0, 0), "all left: nothing remains");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_order_of_joins_leaves_and_emits_does_what_the_sets_say(
        steps in proptest::collection::vec(step(), 1..60)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(run(steps));
    }
}

#[tokio::test]
async fn one_connection_is_reached_by_its_id_and_only_it() {
    let hub = hub();
    let one = hub.enter(None, Profile::Base).await.expect("enters");
    let other = hub.enter(None, Profile::Base).await.expect("enters");
    emit(&hub, To::Socket(one.id), None, None);
    assert_eq!((waiting(&one), waiting(&other)), (1, 0));
    hub.leave_all(&one);
    emit(&hub, To::Socket(one.id), None, None);
    assert_eq!(waiting(&other), 0);
}

#[tokio::test]
async fn joins_beyond_the_limits_are_refused_by_name() {
    let process = Node::new();
    let limits = Limits { rooms_per_socket: 2, joins_per_second: 3, ..Limits::default() };
    process.configure(Arc::new(crate::broker::Memory::new()), limits);
    let hub = Hub::new(Arc::new(process));
    let member = hub.enter(None, Profile::Base).await.expect("enters");
    for room in ["a", "a", "b"] {
        hub.join(&member, room, JoinOptions::default()).await.expect("within the limits");
    }
    let error = hub.join(&member, "c", JoinOptions::default()).await.expect_err("a third room");
    assert!(error.message().contains("rooms_per_socket"), "{error}");
    hub.leave(&member, "a");
    hub.join(&member, "c", JoinOptions::default()).await.expect("two rooms again");
    hub.leave(&member, "c");
    let error = hub
        .join(&member, "d", JoinOptions::default())
        .await
        .expect_err("the fourth join in a second");
    assert!(error.message().contains("joins_per_second"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_survive_connections_that_come_and_go_at_once() {
    let hub = hub();
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let hub = hub.clone();
        tasks.push(tokio::spawn(async move {
            for n in 0..200 {
                let member = hub.enter(None, Profile::Base).await.expect("enters");
                hub.join(&member, ROOMS[n % 4], JoinOptions::default()).await.expect("joins");
                emit(&hub, To::Room(Cow::Borrowed(ROOMS[n % 4])), None, None);
                assert!(waiting(&member) >= 1, "what is emitted after a join is heard");
                hub.leave_all(&member);
            }
        }));
    }
    for task in tasks {
        task.await.expect("no panic");
    }
    assert_eq!((hub.rooms_held(), hub.connections()), (0, 0));
}
