//! Joins, leaves, emits and closes of one room, in every order in which threads can run.
//!
//! `RUSTFLAGS="--cfg jstack_loom" cargo test -p jstack-runtime --lib loom --release`

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use loom::future::block_on;
use loom::thread;

use super::loom_history::Log;
use super::room::Room;
use super::{Hub, Member, Node};
use crate::broker::PublishOutcome;
use crate::broker::{Broker, Channel, Publication, Publish, Scope, Sink, Subscribe};
use crate::close_reason::{CloseReason, ClosedBy};
use crate::error::{Error, Result};
use crate::events::{EventPublisher, Target, To};
use crate::frame::HEADROOM;
use crate::history::History;
use crate::limits::Limits;
use crate::protocol::profile::Profile;
use crate::rooms::JoinOptions;
use crate::socket_id::SocketId;
use crate::sync::Mutex;

/// Knows subscriptions as Redis does: what nobody is subscribed to reaches nobody, and a second
/// subscribe or an unsubscribe too many is a fault of the hub's.
#[derive(Clone, Default)]
pub(super) struct Network {
    pub(super) subscribed: Arc<Mutex<BTreeSet<String>>>,
    /// The next subscribe fails.
    pub(super) broken: Arc<AtomicBool>,
    /// The history of the room, for procedures that have one.
    pub(super) log: Option<Arc<Log>>,
}

fn room_of(channel: Channel<'_>) -> &str {
    let Scope::Room(room) = channel.scope else { panic!("only rooms are joined here") };
    room
}

impl Broker for Network {
    fn publish(&self, messages: &[Publication<'_>], local: &dyn Sink) -> Publish {
        for message in messages {
            if self.subscribed.lock().contains(room_of(message.channel)) {
                local.deliver(message);
            }
        }
        Publish::done(Ok(()))
    }

    fn subscribe(&self, channel: Channel<'_>, _: Arc<dyn Sink>) -> Subscribe {
        let (this, room) = (self.clone(), room_of(channel).to_owned());
        Box::pin(async move {
            if this.broken.swap(false, Ordering::Relaxed) {
                return Err(Error::service_unavailable("no network"));
            }
            assert!(this.subscribed.lock().insert(room), "subscribed twice");
            Ok(())
        })
    }

    fn unsubscribe(&self, channel: Channel<'_>, _: &dyn Sink) {
        assert!(self.subscribed.lock().remove(room_of(channel)), "unsubscribed twice");
    }

    fn describe(&self) -> String {
        "a model".to_owned()
    }

    fn history(&self) -> Option<Arc<dyn History>> {
        Some(self.log.clone()?)
    }
}

#[derive(Clone)]
pub(super) struct Rig {
    pub(super) hub: Arc<Hub>,
    network: Network,
}

impl Rig {
    fn new() -> Self {
        Self::on(Network::default())
    }

    pub(super) fn on(network: Network) -> Self {
        let process = Node::new();
        let limits = Limits { joins_per_second: Limits::NONE, ..Limits::default() };
        process.configure(Arc::new(network.clone()), limits);
        let hub = Hub::new(Arc::new(process));
        hub.name("test/rooms");
        // What is made once is made before threads meet in it.
        let _ = (hub.bounds(), hub.meters(), hub.node().flusher());
        Self { hub, network }
    }

    /// A connection whose queue nobody empties.
    fn member(local: u64) -> Arc<Member> {
        let member = Member::new(SocketId { node: 1, local }, None, Profile::Base, 0);
        member.out().attach_task();
        Arc::new(member)
    }

    fn join(&self, member: &Arc<Member>) -> Result {
        block_on(self.hub.join(member, "room", JoinOptions::default()))
    }

    fn emit(&self, name: u8) {
        self.emit_json(&[name]);
    }

    pub(super) fn emit_json(&self, json: &[u8]) {
        let target = Target::new(&*self.hub, To::Room(Cow::Borrowed("room")));
        let mut buffer = [&[0; HEADROOM][..], json].concat();
        assert!(matches!(self.hub.publish(&target, &mut buffer), PublishOutcome::Done(Ok(()))));
    }

    pub(super) fn is_repairing(&self) -> bool {
        let is_repairing = |room: &Arc<Room>| room.place().is_repairing();
        self.hub.rooms().with_room("room", is_repairing).unwrap_or_default()
    }

    /// Nobody is left: no room is held, and the network knows of none.
    fn assert_empty(&self) {
        assert_eq!(self.hub.rooms_held(), 0);
        assert!(self.network.subscribed.lock().is_empty());
    }
}

/// The names of the messages that wait for a connection.
fn heard(member: &Member) -> Vec<u8> {
    if member.out().is_empty() {
        return Vec::new();
    }
    let bytes = block_on(member.out().drain());
    bytes
        .chunks(3)
        .map(|frame| {
            assert_eq!(frame[..2], [0x81, 1]);
            frame[2]
        })
        .collect()
}

#[test]
fn loom_what_is_emitted_after_a_join_is_heard_whoever_leaves_meanwhile() {
    loom::model(|| {
        let rig = Rig::new();
        let (leaving, joining) = (Rig::member(1), Rig::member(2));
        rig.join(&leaving).expect("joins");
        let other = thread::spawn({
            let (rig, leaving) = (rig.clone(), leaving.clone());
            move || rig.hub.leave(&leaving, "room")
        });
        rig.join(&joining).expect("joins");
        rig.emit(b'a');
        assert_eq!(heard(&joining), b"a");
        other.join().expect("no panic");
        rig.emit(b'b');
        assert_eq!(heard(&joining), b"b");
        assert_eq!(rig.hub.rooms_held(), 1);
        rig.hub.leave(&joining, "room");
        rig.assert_empty();
    });
}

#[test]
fn loom_two_that_join_at_once_share_one_room_and_one_subscription() {
    let mut model = loom::model::Builder::new();
    // Switches that no lock forces. With each more there are four times as many orders.
    model.preemption_bound = model.preemption_bound.or(Some(4));
    model.check(|| {
        let rig = Rig::new();
        let members = [1, 2].map(Rig::member);
        let threads = members.clone().map(|member| {
            let rig = rig.clone();
            thread::spawn(move || {
                rig.join(&member).expect("joins");
                rig.emit(b'a');
                assert!(!heard(&member).is_empty(), "its own message at least");
            })
        });
        for thread in threads {
            thread.join().expect("no panic");
        }
        for member in &members {
            heard(member);
        }
        rig.emit(b'b');
        assert_eq!(members.each_ref().map(|member| heard(member)), [b"b", b"b"]);
        for member in &members {
            rig.hub.leave(member, "room");
        }
        rig.assert_empty();
    });
}

#[test]
fn loom_nothing_is_heard_after_a_leave() {
    loom::model(|| {
        let rig = Rig::new();
        let (leaving, staying) = (Rig::member(1), Rig::member(2));
        rig.join(&leaving).expect("joins");
        rig.join(&staying).expect("joins");
        let publisher = thread::spawn({
            let rig = rig.clone();
            move || b"ab".map(|name| rig.emit(name))
        });
        rig.hub.leave(&leaving, "room");
        let before = heard(&leaving);
        publisher.join().expect("no panic");
        assert!(b"ab".starts_with(&before), "{before:?}");
        assert_eq!(heard(&leaving), b"");
        assert_eq!(heard(&staying), b"ab");
    });
}

#[test]
fn loom_two_that_leave_at_once_take_nobody_else_along() {
    loom::model(|| {
        let rig = Rig::new();
        let [one, other, staying] = [1, 2, 3].map(Rig::member);
        // The last takes the slot of one that leaves before it.
        for member in [&one, &staying, &other] {
            rig.join(member).expect("joins");
        }
        let leaver = thread::spawn({
            let (rig, one) = (rig.clone(), one.clone());
            move || rig.hub.leave(&one, "room")
        });
        rig.hub.leave_all(&other);
        leaver.join().expect("no panic");
        rig.emit(b'a');
        assert_eq!([&one, &other, &staying].map(|member| heard(member)), [&b""[..], b"", b"a"]);
        rig.hub.leave(&staying, "room");
        rig.assert_empty();
    });
}

#[test]
fn loom_all_members_hear_two_publishers_in_one_order() {
    loom::model(|| {
        let rig = Rig::new();
        let members = [1, 2].map(Rig::member);
        for member in &members {
            rig.join(member).expect("joins");
        }
        let publisher = thread::spawn({
            let rig = rig.clone();
            move || b"ab".map(|name| rig.emit(name))
        });
        rig.emit(b'x');
        publisher.join().expect("no panic");
        let [one, other] = members.each_ref().map(|member| heard(member));
        assert_eq!(one, other);
        assert_eq!(one.len(), 3);
        assert!(one.iter().filter(|name| **name != b'x').eq(b"ab"), "{one:?}");
    });
}

#[test]
fn loom_a_connection_that_closes_while_it_joins_leaves_nothing_behind() {
    loom::model(|| {
        let rig = Rig::new();
        let member = Rig::member(1);
        let closer = thread::spawn({
            let (rig, member) = (rig.clone(), member.clone());
            move || rig.hub.leave_all(&member)
        });
        let joined = rig.join(&member);
        closer.join().expect("no panic");
        rig.emit(b'a');
        assert_eq!(heard(&member), b"", "joined: {}", joined.is_ok());
        assert!(rig.join(&member).is_err(), "it has left for good");
        rig.assert_empty();
    });
}

#[test]
fn loom_who_waits_for_a_subscription_that_fails_makes_its_own() {
    loom::model(|| {
        let rig = Rig::new();
        rig.network.broken.store(true, Ordering::Relaxed);
        let members = [1, 2].map(Rig::member);
        let other = thread::spawn({
            let (rig, member) = (rig.clone(), members[0].clone());
            move || rig.join(&member).is_ok()
        });
        let joined = rig.join(&members[1]).is_ok();
        assert_ne!(other.join().expect("no panic"), joined, "one of them fails");
        let joined = &members[usize::from(joined)];
        rig.emit(b'a');
        assert_eq!(heard(joined), b"a");
        rig.hub.leave(joined, "room");
        rig.assert_empty();
    });
}

fn close_code(frame: &[u8]) -> u16 {
    assert_eq!(frame[..2], [0x88, 2]);
    u16::from_be_bytes([frame[2], frame[3]])
}

#[test]
fn loom_who_sees_the_end_of_a_connection_finds_its_close_frame_in_the_queue() {
    loom::model(|| {
        let member = Rig::member(1);
        let closer = thread::spawn({
            let member = member.clone();
            move || member.close(CloseReason::fixed(ClosedBy::Shutdown, 1012, ""))
        });
        // loom switches threads at locks: without one here, this would always look first.
        let _ = member.out().is_empty();
        // What the reading task does before it ends the stream.
        if member.ending().is_some() {
            assert!(!member.out().is_empty());
        }
        closer.join().expect("no panic");
        assert!(member.ending().is_some() && !member.out().is_empty());
    });
}

#[test]
fn loom_of_two_closes_one_counts_for_the_client_and_for_the_server_alike() {
    loom::model(|| {
        let member = Rig::member(1);
        let closers = [3000, 3001].map(|code| {
            let member = member.clone();
            thread::spawn(move || member.close(CloseReason::fixed(ClosedBy::Server, code, "")))
        });
        let closed = closers.map(|closer| closer.join().expect("no panic").is_some());
        assert_eq!(closed.iter().filter(|closed| **closed).count(), 1);
        let frame = block_on(member.out().drain());
        assert_eq!(member.ending().map(CloseReason::code), Some(close_code(&frame)));
    });
}
