//! Joins, appends and repairs of one room with a history, in every order in which threads can run.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use loom::future::block_on;
use loom::thread;

use super::loom::{Network, Rig};
use super::{JoinOptions, Member};
use crate::broker::{Channel, Publication, Publish, Sink};
use crate::history::{Entry, Epoch, History, Keep, Page, PageLimit, Position, Reading};
use crate::protocol::profile::Profile;
use crate::socket_id::SocketId;
use crate::sync::Mutex;

const KEEP: Keep = Keep { count: 100, age: Duration::from_mins(1) };

/// The log of one room. It numbers and delivers under its lock, as the embedded history does.
#[derive(Default)]
pub(super) struct Log {
    entries: Mutex<Vec<Bytes>>,
    /// So many of the next messages are stored, and not delivered.
    to_lose: AtomicUsize,
}

impl Log {
    fn position(offset: usize) -> Position {
        Position::new(Epoch::new(1), offset as u64)
    }

    fn page(&self, from: usize) -> Page {
        let entries = self.entries.lock();
        let entry = |(n, json): (usize, &Bytes)| Entry {
            offset: n as u64 + 1,
            at_millis: 0,
            json: json.clone(),
            except: Vec::new(),
            except_rooms: Vec::new(),
        };
        Page {
            top: Self::position(entries.len()),
            entries: entries.iter().enumerate().skip(from).map(entry).collect(),
            more: false,
            gap: None,
        }
    }
}

impl History for Log {
    fn publish(&self, messages: &[Publication<'_>], _: Keep, local: &dyn Sink) -> Publish {
        let mut entries = self.entries.lock();
        for message in messages {
            let mut message = *message;
            entries.push(Bytes::copy_from_slice(message.json()));
            message.position = Some(Self::position(entries.len()));
            let take = |left: usize| left.checked_sub(1);
            if self.to_lose.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
                local.deliver(&message);
            }
        }
        Publish::done(Ok(()))
    }

    fn top(&self, _: Channel<'_>, _: Keep) -> Reading<Position> {
        let top = Self::position(self.entries.lock().len());
        Box::pin(std::future::ready(Ok(top)))
    }

    fn after(&self, _: Channel<'_>, after: Position, _: PageLimit) -> Reading<Page> {
        let page = self.page(usize::try_from(after.offset()).unwrap_or(usize::MAX));
        Box::pin(std::future::ready(Ok(page)))
    }

    fn before(&self, _: Channel<'_>, _: Option<u64>, _: PageLimit) -> Reading<Page> {
        Box::pin(std::future::ready(Ok(self.page(0))))
    }

    fn clear(&self, _: Channel<'_>) -> Reading {
        Box::pin(std::future::ready(Ok(())))
    }
}

fn rig() -> (Rig, Arc<Log>) {
    let log = Arc::new(Log::default());
    let rig = Rig::on(Network { log: Some(log.clone()), ..Network::default() });
    rig.hub.set_keep(KEEP);
    assert!(rig.hub.remembered().is_ok_and(|it| it.is_some()));
    (rig, log)
}

/// A client of the profile `v1`, which sees offsets.
fn member(local: u64) -> Arc<Member> {
    let member = Member::new(SocketId { node: 1, local }, None, Profile::V1, 0);
    member.out().attach_task();
    Arc::new(member)
}

fn join(rig: &Rig, member: &Arc<Member>) {
    let joined = block_on(rig.hub.join(member, "room", JoinOptions::default()));
    assert!(joined.is_ok(), "{joined:?}");
}

/// Checks that a client hears `$room` first, and then each message behind that position once and in
/// order. Returns the offsets.
fn heard(member: &Member) -> Vec<u64> {
    let bytes = block_on(member.out().drain());
    let (mut rest, mut offsets) = (&bytes[..], Vec::new());
    while let [0x81, length, tail @ ..] = rest {
        let (json, next) = tail.split_at(usize::from(*length));
        rest = next;
        let frame: serde_json::Value = serde_json::from_slice(json).expect("JSON");
        let place = if frame[0] == "$room" { &frame[1] } else { &frame[2] };
        assert_eq!(frame[0] == "$room", offsets.is_empty(), "{frame}");
        offsets.push(place["o"].as_u64().expect("an offset"));
    }
    assert!(rest.is_empty());
    assert!(offsets.is_sorted_by(|one, next| one + 1 == *next), "{offsets:?}");
    offsets
}

fn emit(rig: &Rig) {
    rig.emit_json(b"[\"n\",1]");
}

#[test]
fn loom_who_opens_a_room_hears_all_that_is_appended_behind_its_position() {
    loom::model(|| {
        let (rig, _) = rig();
        let publisher = thread::spawn({
            let rig = rig.clone();
            move || [(); 2].map(|()| emit(&rig))
        });
        let joining = member(1);
        join(&rig, &joining);
        publisher.join().expect("no panic");
        assert_eq!(heard(&joining).last(), Some(&2));
    });
}

#[test]
fn loom_who_joins_others_hears_all_that_two_append_behind_its_position() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = model.preemption_bound.or(Some(4));
    model.check(|| {
        let (rig, _) = rig();
        let [staying, joining] = [1, 2].map(member);
        join(&rig, &staying);
        let publishers = [(); 2].map(|()| {
            let rig = rig.clone();
            thread::spawn(move || emit(&rig))
        });
        join(&rig, &joining);
        for publisher in publishers {
            publisher.join().expect("no panic");
        }
        assert_eq!(heard(&staying), [0, 1, 2]);
        assert_eq!(heard(&joining).last(), Some(&2));
    });
}

#[test]
fn loom_who_joins_during_a_repair_hears_all_behind_its_position_once() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = model.preemption_bound.or(Some(3));
    model.check(|| {
        let (rig, log) = rig();
        let [staying, joining] = [1, 2].map(member);
        join(&rig, &staying);
        log.to_lose.store(1, Ordering::Relaxed);
        emit(&rig);
        // The next message shows the hole, and a thread reads the log.
        let publisher = thread::spawn({
            let rig = rig.clone();
            move || [(); 2].map(|()| emit(&rig))
        });
        join(&rig, &joining);
        publisher.join().expect("no panic");
        while rig.hub.position("room") != Some(Log::position(3)) || rig.is_repairing() {
            thread::yield_now();
        }
        assert_eq!(heard(&staying), [0, 1, 2, 3]);
        assert_eq!(heard(&joining).last(), Some(&3));
    });
}
