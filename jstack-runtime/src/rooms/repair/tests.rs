//! Repairs against a model: whatever is dropped, whenever the log is read, and however much of it is
//! kept, each message is delivered once and in order, or is in a gap.

use std::collections::VecDeque;

use bytes::Bytes;
use proptest::prelude::*;

use super::merge::{Gap, GapCause, Step};
use super::place::Place;
use super::waiting::Arrival;
use crate::broker::{Channel, Publication, Scope};
use crate::history::{Entry, Epoch, Page, Position};
use crate::outbound::QueueLimits;

const ROOM: Channel<'static> = Channel { procedure: "post/chat", scope: Scope::Room("room") };
/// Half of it may wait.
const LIMITS: QueueLimits = QueueLimits { frames: 12, bytes: usize::MAX };
/// Of one read.
const MOST: usize = 6;

#[derive(Clone, Copy, Debug)]
enum Event {
    /// A message of the log is published.
    Publish,
    /// A message that the log does not keep.
    PublishUnkept,
    /// The next message on its way arrives, or is dropped.
    Arrive,
    Drop,
    /// The broker reports a gap.
    Doubt,
    BeginRead,
    EndRead,
    /// The log keeps so many entries from now on.
    Trim(usize),
    /// The log loses everything and begins another epoch.
    Reset,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        12 => Just(Event::Publish),
        2 => Just(Event::PublishUnkept),
        10 => Just(Event::Arrive),
        2 => Just(Event::Drop),
        1 => Just(Event::Doubt),
        4 => Just(Event::BeginRead),
        4 => Just(Event::EndRead),
        1 => (0..4_usize).prop_map(Event::Trim),
        1 => Just(Event::Reset),
    ];
    prop::collection::vec(event, 1..120)
}

/// What clients see.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    Kept(Position),
    Unkept(u64),
    Gap(Gap, Position),
}

/// A log, a channel that loses messages, and a room.
struct World {
    epoch: u64,
    /// The offset before the first entry.
    base: u64,
    top: u64,
    unkept: u64,
    /// Kept messages have a position, others a number.
    wire: VecDeque<(Option<Position>, u64)>,
    published: Vec<Position>,
    place: Place,
    /// A read that has begun: what it will bring.
    read: Option<(Page, u64)>,
    seen: Vec<Seen>,
    dropped_unkept: u64,
}

impl World {
    fn new() -> Self {
        let mut place = Place::default();
        assert!(!place.start_at(Position::new(Epoch::new(1), 0)));
        Self {
            epoch: 1,
            base: 0,
            top: 0,
            unkept: 0,
            wire: VecDeque::new(),
            published: Vec::new(),
            place,
            read: None,
            seen: Vec::new(),
            dropped_unkept: 0,
        }
    }

    fn position(&self, offset: u64) -> Position {
        Position::new(Epoch::new(self.epoch), offset)
    }

    fn entry(offset: u64) -> Entry {
        let json = Bytes::from_static(b"[\"n\",1]");
        Entry { offset, at_millis: 0, json, except: Vec::new(), except_rooms: Vec::new() }
    }

    /// The log as `run.rs` reads it.
    fn page(&self, after: Position) -> (Page, u64) {
        let is_known = after.epoch() == Epoch::new(self.epoch) && after.offset() <= self.top;
        let from = if is_known { after.offset().max(self.base) } else { self.base };
        let kept_from = from + 1;
        let first = kept_from.max((self.top + 1).saturating_sub(MOST as u64));
        let entries = (first..=self.top).map(Self::entry).collect();
        let page = Page { top: self.position(self.top), entries, more: false, gap: None };
        (page, kept_from)
    }

    fn run(&mut self, event: Event) {
        match event {
            Event::Publish => {
                self.top += 1;
                let position = self.position(self.top);
                self.published.push(position);
                self.wire.push_back((Some(position), 0));
            }
            Event::PublishUnkept => {
                self.unkept += 1;
                self.wire.push_back((None, self.unkept));
            }
            Event::Arrive => self.arrive(),
            Event::Drop => drop(self.wire.pop_front()),
            Event::Doubt => drop(self.place.doubt()),
            Event::BeginRead if self.place.is_repairing() && self.read.is_none() => {
                let after = self.place.begin_read().unwrap();
                self.read = Some(self.page(after));
            }
            Event::EndRead => {
                if let Some((page, kept_from)) = self.read.take() {
                    let steps = self.place.merge(&page, kept_from);
                    self.play(&page, steps);
                    self.place.finish();
                }
            }
            Event::BeginRead => {}
            Event::Trim(keep) => {
                self.base = self.base.max(self.top.saturating_sub(keep as u64));
            }
            Event::Reset => {
                (self.epoch, self.base, self.top) = (self.epoch + 1, 0, 0);
            }
        }
    }

    fn arrive(&mut self) {
        let Some((position, number)) = self.wire.pop_front() else { return };
        let (json, mut scratch) = (format!("[\"n\",{number}]"), Vec::new());
        let mut message = Publication::new(ROOM, json.as_bytes(), &mut scratch);
        message.position = position;
        match self.place.arrive(&message, LIMITS) {
            Arrival::Next => self.seen.push(position.map_or(Seen::Unkept(number), Seen::Kept)),
            Arrival::Dropped(lost) => self.dropped_unkept += lost,
            Arrival::Repeated | Arrival::Waits | Arrival::Begins => {}
        }
    }

    fn play(&mut self, page: &Page, steps: Vec<(Step, Position)>) {
        for (step, at) in steps {
            self.place.move_to(Some(at));
            self.seen.push(match step {
                Step::Gap(gap) => Seen::Gap(gap, at),
                Step::Entry(n) => {
                    assert_eq!(page.entries[n].offset, at.offset());
                    Seen::Kept(at)
                }
                Step::Waiting(waiting) => match waiting.position {
                    Some(position) => {
                        assert_eq!(position, at);
                        Seen::Kept(position)
                    }
                    None => Seen::Unkept(
                        serde_json::from_slice::<(String, u64)>(&waiting.json).unwrap().1,
                    ),
                },
            });
        }
    }

    /// What is on its way arrives, and the broker reports a last gap: nothing stays unread.
    fn settle(&mut self) {
        while !self.wire.is_empty() {
            self.run(Event::Arrive);
        }
        self.run(Event::EndRead);
        self.run(Event::Doubt);
        let mut reads = 0;
        while self.place.is_repairing() {
            self.run(Event::BeginRead);
            self.run(Event::EndRead);
            reads += 1;
            assert!(reads <= 2, "a read settles what came before it");
        }
        assert_eq!(self.place.position(), Some(self.position(self.top)));
    }

    fn check(&self) {
        let (mut at, mut unkept) = (Position::new(Epoch::new(1), 0), 0);
        for seen in &self.seen {
            match *seen {
                Seen::Kept(position) => {
                    assert_eq!(
                        position,
                        Position::new(at.epoch(), at.offset() + 1),
                        "{:?}",
                        self.seen
                    );
                    at = position;
                }
                Seen::Unkept(number) => {
                    assert!(number > unkept, "{:?}", self.seen);
                    unkept = number;
                }
                Seen::Gap(gap, to) if gap.is_reset => {
                    assert_ne!(to.epoch(), at.epoch());
                    at = to;
                }
                // Messages were published into a log that is over.
                Seen::Gap(gap, to) if to == at => assert_eq!(gap.missed, None),
                Seen::Gap(gap, to) => {
                    assert_eq!(to.epoch(), at.epoch());
                    assert_eq!(gap.missed, Some(to.offset() - at.offset()), "{:?}", self.seen);
                    at = to;
                }
            }
        }
        assert_eq!(at, self.position(self.top));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn each_message_is_delivered_once_and_in_order_or_is_in_a_gap(events in events()) {
        let mut world = World::new();
        for event in events {
            world.run(event);
        }
        world.settle();
        world.check();
    }

    #[test]
    fn what_the_log_keeps_is_never_lost(events in events()) {
        let mut world = World::new();
        for event in events.into_iter().filter(|it| !matches!(it, Event::Trim(_) | Event::Reset)) {
            world.run(event);
        }
        world.settle();
        world.check();
        let is_loss = |seen: &&Seen| matches!(seen, Seen::Gap(gap, _) if gap.why != GapCause::TooMany);
        prop_assert_eq!(world.seen.iter().find(is_loss), None);
        let kept = world.seen.iter().filter(|it| matches!(it, Seen::Kept(_))).count();
        let missed = |seen: &Seen| if let Seen::Gap(gap, _) = seen { gap.missed.unwrap() } else { 0 };
        let missed: u64 = world.seen.iter().map(missed).sum();
        prop_assert_eq!(kept as u64 + missed, world.published.len() as u64);
    }
}

fn arrive(place: &mut Place, position: Option<Position>, json: &str) -> Arrival {
    let mut scratch = Vec::new();
    let mut message = Publication::new(ROOM, json.as_bytes(), &mut scratch);
    message.position = position;
    place.arrive(&message, LIMITS)
}

fn at(offset: u64) -> Position {
    Position::new(Epoch::new(1), offset)
}

fn page(top: u64, offsets: impl IntoIterator<Item = u64>) -> Page {
    let entries = offsets.into_iter().map(World::entry).collect();
    Page { top: at(top), entries, more: false, gap: None }
}

/// The steps, short: `e4` an entry, `w5` what waited, `w-` without a position, `gap2`.
fn shown(steps: &[(Step, Position)]) -> Vec<String> {
    let one = |(step, at): &(Step, Position)| match step {
        Step::Entry(_) => format!("e{}", at.offset()),
        Step::Waiting(it) => it.position.map_or("w-".to_owned(), |at| format!("w{}", at.offset())),
        Step::Gap(gap) => format!("gap{} {:?}", gap.missed.unwrap_or(0), gap.why),
    };
    steps.iter().map(one).collect()
}

#[test]
fn what_waits_is_delivered_at_its_place_among_the_entries() {
    let mut place = Place::default();
    place.start_at(at(3));
    assert_eq!(arrive(&mut place, Some(at(5)), "[\"n\",5]"), Arrival::Begins);
    assert_eq!(arrive(&mut place, None, "[\"typing\",1]"), Arrival::Waits);
    assert_eq!(arrive(&mut place, Some(at(6)), "[\"n\",6]"), Arrival::Waits);
    assert_eq!(place.begin_read(), Some(at(3)));
    assert_eq!(arrive(&mut place, Some(at(8)), "[\"n\",8]"), Arrival::Waits);
    let steps = place.merge(&page(7, 4..8), 4);
    assert_eq!(shown(&steps), ["e4", "w5", "w-", "w6", "e7", "w8"]);
    assert!(place.finish());
}

#[test]
fn what_comes_after_a_read_and_is_not_next_needs_another_read() {
    let mut place = Place::default();
    place.start_at(at(3));
    arrive(&mut place, Some(at(5)), "[\"n\",5]");
    place.begin_read();
    arrive(&mut place, Some(at(8)), "[\"n\",8]");
    let steps = place.merge(&page(5, 4..6), 4);
    assert_eq!(shown(&steps), ["e4", "w5"]);
    place.move_to(Some(at(5)));
    assert!(!place.finish());
    place.begin_read();
    let steps = place.merge(&page(8, [8]), 8);
    assert_eq!(shown(&steps), ["gap2 Lost", "w8"], "6 and 7 were forgotten meanwhile");
    assert!(place.finish());
}

#[test]
fn what_waits_fills_the_holes_of_the_log_and_the_rest_is_a_gap() {
    let mut place = Place::default();
    place.start_at(at(3));
    for offset in [6, 7] {
        arrive(&mut place, Some(at(offset)), "[\"n\",1]");
    }
    place.begin_read();
    // 7 cannot be read, and 9 neither.
    let steps = place.merge(&page(9, [6, 8]), 6);
    assert_eq!(shown(&steps), ["gap2 Lost", "w6", "w7", "e8", "gap1 Lost"]);
}

#[test]
fn what_is_missing_at_a_gap_of_the_broker_is_before_what_follows_it() {
    let mut place = Place::default();
    place.start_at(at(3));
    assert!(place.doubt());
    assert_eq!(arrive(&mut place, None, "[\"typing\",1]"), Arrival::Waits);
    assert_eq!(arrive(&mut place, Some(at(6)), "[\"n\",6]"), Arrival::Waits);
    assert_eq!(arrive(&mut place, None, "[\"typing\",2]"), Arrival::Waits);
    place.begin_read();
    let steps = place.merge(&page(7, 4..8), 4);
    assert_eq!(shown(&steps), ["e4", "e5", "w-", "w6", "w-", "e7"]);
}

#[test]
fn a_close_waits_even_when_everything_else_is_dropped() {
    let mut place = Place::default();
    place.start_at(at(0));
    place.doubt();
    assert_eq!(arrive(&mut place, None, "[\"$close\",[3000,\"\"]]"), Arrival::Waits);
    assert_eq!(arrive(&mut place, None, "[\"typing\",1]"), Arrival::Waits);
    for offset in 1..5 {
        assert_eq!(arrive(&mut place, Some(at(offset)), "[\"n\",1]"), Arrival::Waits);
    }
    assert_eq!(arrive(&mut place, Some(at(5)), "[\"n\",1]"), Arrival::Dropped(1));
    place.begin_read();
    let steps = place.merge(&page(5, 1..6), 1);
    assert_eq!(shown(&steps), ["w-", "e1", "e2", "e3", "e4", "e5"], "the close had come first");
    assert!(place.finish());
}

#[test]
fn a_log_that_cannot_be_read_is_a_gap_before_what_waits() {
    let mut place = Place::default();
    place.start_at(at(3));
    arrive(&mut place, Some(at(5)), "[\"n\",5]");
    arrive(&mut place, Some(Position::new(Epoch::new(2), 9)), "[\"n\",9]");
    place.begin_read();
    let steps = place.give_up();
    assert_eq!(shown(&steps), ["gap0 Unread", "w5", "gap0 Unread", "w9"]);
    assert!(place.finish());
}

#[test]
fn messages_that_the_log_does_not_know_are_one_gap_until_another_is_delivered() {
    let mut place = Place::default();
    place.start_at(at(3));
    let other = |offset| Some(Position::new(Epoch::new(2), offset));
    let read = |place: &mut Place, top| {
        place.begin_read();
        let steps = place.merge(&page(top, []), top + 1);
        if let Some((_, at)) = steps.last() {
            place.move_to(Some(*at));
        }
        assert!(place.finish());
        shown(&steps)
    };
    assert_eq!(arrive(&mut place, other(1), "[\"n\",1]"), Arrival::Begins);
    assert_eq!(arrive(&mut place, other(2), "[\"n\",2]"), Arrival::Waits);
    assert_eq!(read(&mut place, 3), ["gap0 Lost"]);
    assert_eq!(arrive(&mut place, other(3), "[\"n\",3]"), Arrival::Begins);
    assert_eq!(read(&mut place, 3), [""; 0], "the same gap");
    assert_eq!(place.welcome(), Some(at(3)));
    assert_eq!(arrive(&mut place, other(3), "[\"n\",3]"), Arrival::Begins);
    assert_eq!(read(&mut place, 3), ["gap0 Lost"], "a new member has not heard of it");
    assert_eq!(arrive(&mut place, Some(at(4)), "[\"n\",4]"), Arrival::Next);
    assert_eq!(arrive(&mut place, other(4), "[\"n\",4]"), Arrival::Begins);
    assert_eq!(read(&mut place, 4), ["gap0 Lost"]);
}
