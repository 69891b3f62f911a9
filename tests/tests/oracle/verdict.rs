//! What must be true of all that was heard.
//!
//! The offsets of v1 clients say which message is where in each room. All of them must agree: that is
//! the one order. Then, for each client and room:
//!
//! - Offsets grow within an epoch, and no message comes twice.
//! - A missing offset is that of a message that was not for the client, or there is a gap between its
//!   neighbours. So is the step into another epoch.
//! - What a sender excluded itself from never comes to it.
//! - Stock clients see no offsets. Those of their messages are looked up, for each connection by
//!   itself, and a gap is one that their process has logged at that time.
//! - A gap is where an offset is missing or another epoch begins, or where the process has logged that
//!   it cannot know: it could not read the log, or was cut off from messages to single connections.
//! - A message that was taken and that nobody heard is in a gap of everybody in its room.
//!
//! `forged.rs` shows that each of these can fail.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use crate::clients::{EVERYBODY, Heard, Log, Published};
use crate::faults::{LoggedGap, SINGLE};

/// Between the log line of a gap and the message behind it, on a busy machine.
const SLACK: Duration = Duration::from_secs(3);

/// How far apart messages are numbered and placed: they are on their way at the same time.
const NEAR: u64 = 40;

type Place = (String, u64);

/// Which message is where, of one room.
#[derive(Default)]
struct Room {
    at: HashMap<Place, u64>,
    of: HashMap<u64, Place>,
}

/// What a run has come to.
#[derive(Debug, Default)]
pub struct Verdict {
    pub taken: usize,
    /// Copies of messages that were taken, for each v1 client that has a gap instead.
    pub unheard: usize,
    pub heard: usize,
    pub gaps: usize,
    pub stock_gaps: usize,
}

/// Checks everything that was heard. Messages from number `first` on were published when everybody
/// was there.
pub fn judge(
    published: &BTreeMap<u64, Published>,
    first: u64,
    logs: &[Log],
    logged: &[LoggedGap],
) -> Verdict {
    let rooms = places(logs);
    let mut verdict = Verdict::default();
    for (index, log) in logs.iter().enumerate() {
        verdict.heard += log.heard.iter().filter(|it| matches!(it, Heard::Said { .. })).count();
        let who = Who { index, log, published, rooms: &rooms, logged };
        if log.is_v1 {
            verdict.gaps += who.judge_v1();
        } else {
            verdict.stock_gaps += who.judge_stock();
        }
    }
    for (n, message) in published.range(first..).filter(|(_, message)| message.taken) {
        verdict.unheard += judge_taken(*n, message, logs, &rooms);
    }
    verdict.taken = published.values().filter(|message| message.taken).count();
    verdict
}

/// Everybody agrees on which message is where.
fn places(logs: &[Log]) -> HashMap<String, Room> {
    let mut rooms: HashMap<String, Room> = HashMap::new();
    for log in logs {
        for heard in &log.heard {
            let Heard::Said { n, room, at: Some(at), .. } = heard else { continue };
            let name = room.as_deref().unwrap_or(EVERYBODY);
            let room = rooms.entry(name.to_owned()).or_default();
            let other = *room.at.entry(at.clone()).or_insert(*n);
            assert_eq!(other, *n, "two messages are at {at:?} in {name}");
            let place = room.of.entry(*n).or_insert_with(|| at.clone());
            assert_eq!(place, at, "{n} is at two places in {name}");
        }
    }
    rooms
}

struct Who<'a> {
    index: usize,
    log: &'a Log,
    published: &'a BTreeMap<u64, Published>,
    rooms: &'a HashMap<String, Room>,
    logged: &'a [LoggedGap],
}

impl Who<'_> {
    fn is_in(&self, room: &str) -> bool {
        room == EVERYBODY || self.log.rooms.iter().any(|it| it == room)
    }

    /// Whether the copy of a message for a room need not come to this client.
    fn may_miss(&self, n: u64, room: &str) -> bool {
        let message = &self.published[&n];
        let earlier = message.rooms.iter().take_while(|it| *it != room);
        message.except_client == Some(self.index)
            || earlier.chain(&message.except_room).any(|it| self.is_in(it))
    }

    /// Whether the client's process has logged a gap of this room at about that time.
    fn is_logged(&self, room: &str, since: Instant, until: Instant) -> bool {
        let room = if room == EVERYBODY { "" } else { room };
        self.logged.iter().any(|gap| {
            let in_time = since - SLACK < gap.at && gap.at < until + SLACK;
            gap.process == self.log.process && gap.room == room && in_time
        })
    }

    /// What the client heard of a room before and behind a place, for whoever reads a failure.
    fn around(&self, room: &str, at: &Place) -> Vec<&Heard> {
        let is_of = |heard: &&Heard| match heard {
            Heard::Said { room: of, .. } | Heard::Gap { room: of, .. } => {
                of.as_deref().unwrap_or(EVERYBODY) == room
            }
            Heard::Leaving(of) | Heard::Left(of) => of == room,
            Heard::Connected => true,
        };
        let heard: Vec<_> = self.log.heard.iter().filter(is_of).collect();
        let is_at = |heard: &&Heard| matches!(heard, Heard::Said { at: Some(of), .. } if of == at);
        let here = heard.iter().position(is_at).unwrap_or_default();
        heard[here.saturating_sub(8)..(here + 4).min(heard.len())].to_vec()
    }

    /// The offset of the first message that is missing between two places of one epoch.
    ///
    /// Nobody has heard the message of some offsets: those whom it was for had a gap there. Which message
    /// that is, nothing says. So there must be one for each such offset that this client need not hear,
    /// published at about the time of its neighbours.
    fn missing(&self, room: &str, from: &Place, to: &Place) -> Option<u64> {
        let between = || from.1 + 1..to.1;
        if between().is_empty() {
            return None;
        }
        let Room { at, of } = &self.rooms[room];
        let message = |offset: u64| at.get(&(to.0.clone(), offset)).copied();
        let is_missing = |offset: &u64| message(*offset).is_some_and(|n| !self.may_miss(n, room));
        if let Some(missing) = between().find(is_missing) {
            return Some(missing);
        }
        let unheard = between().filter(|offset| message(*offset).is_none()).collect::<Vec<_>>();
        let (before, after) = (message(from.1)?, message(to.1)?);
        let near = before.min(after).saturating_sub(NEAR)..before.max(after) + NEAR;
        let is_unheard = |(n, it): &(&u64, &Published)| {
            it.rooms.iter().any(|it| it == room) && !of.contains_key(n) && self.may_miss(**n, room)
        };
        let candidates = self.published.range(near).filter(is_unheard).count();
        unheard.get(candidates).copied()
    }

    fn judge_v1(&self) -> usize {
        let who = self.index;
        let (mut last, mut gap) =
            (HashMap::<&str, &Place>::new(), BTreeMap::<&str, (Instant, &str)>::new());
        let mut leaving = BTreeSet::<&str>::new();
        let (mut seen, mut gaps) = (BTreeSet::new(), 0);
        for heard in &self.log.heard {
            match heard {
                Heard::Gap { room, reason, when } => {
                    assert_ne!(*reason, "overload", "client {who} was too slow for the test");
                    gap.insert(room.as_deref().unwrap_or(EVERYBODY), (*when, reason));
                    gaps += 1;
                }
                Heard::Said { n, room, at, .. } => {
                    let room = room.as_deref().unwrap_or(EVERYBODY);
                    let at = at.as_ref().expect("rooms have a history");
                    assert!(seen.insert((room, *n)), "client {who} heard {n} twice in {room}");
                    assert_ne!(self.published[n].except_client, Some(who), "{n} in {room}");
                    let gap = gap.remove(room);
                    if let Some(before) = last.insert(room, at) {
                        if before.0 == at.0 {
                            assert!(
                                before.1 < at.1,
                                "client {who}, {room}: {at:?} after {before:?}"
                            );
                        }
                        if let Some((when, reason)) = gap {
                            let is_next = before.0 == at.0 && before.1 + 1 == at.1;
                            // To the client, messages to it alone are as those to everybody.
                            let is_known = || {
                                let single =
                                    room == EVERYBODY && self.is_logged(SINGLE, when, when);
                                single || self.is_logged(room, when, when)
                            };
                            assert!(
                                !is_next || is_known(),
                                "client {who}, {room}: a gap ({reason}) where nothing is missing before {at:?}: {:?}",
                                self.around(room, at)
                            );
                        } else {
                            assert_eq!(
                                before.0, at.0,
                                "client {who}, {room}: an epoch without a gap"
                            );
                            let missing = self.missing(room, before, at);
                            assert_eq!(
                                missing,
                                None,
                                "client {who}, {room}: {before:?} to {at:?}: {:?}",
                                self.around(room, at)
                            );
                        }
                    }
                }
                Heard::Leaving(room) => {
                    leaving.insert(room);
                    last.remove(&**room);
                }
                Heard::Left(room) => {
                    leaving.remove(&**room);
                    last.remove(&**room);
                }
                // Whether it had left by then, nobody knows.
                Heard::Connected => {
                    leaving.iter().for_each(|room| _ = last.remove(room));
                    leaving.clear();
                }
            }
        }
        gaps
    }

    fn judge_stock(&self) -> usize {
        let (who, mut gaps) = (self.index, 0);
        let mut last: HashMap<&str, (&Place, Instant)> = HashMap::new();
        let mut seen = BTreeSet::new();
        for heard in &self.log.heard {
            let Heard::Said { n, when, .. } = heard else {
                last.clear();
                continue;
            };
            assert!(seen.insert(*n), "stock client {who} heard {n} twice");
            // Of several copies, the first one that is for it.
            let message = &self.published[n];
            let room = message.rooms.iter().find(|room| self.is_in(room)).expect("it is for it");
            // v1 clients may all have missed it, which is in a gap of theirs.
            let Some(at) = self.rooms.get(&**room).and_then(|it| it.of.get(n)) else { continue };
            if let Some((before, since)) = last.insert(room, (at, *when)) {
                if before.0 == at.0 {
                    assert!(before.1 < at.1, "stock client {who}, {room}: {at:?} after {before:?}");
                }
                let missing =
                    if before.0 == at.0 { self.missing(room, before, at) } else { Some(0) };
                if let Some(missing) = missing {
                    assert!(
                        self.is_logged(room, since, *when),
                        "stock client {who}, {room}: {missing} is missing between {before:?} and {at:?}"
                    );
                    gaps += 1;
                }
            }
        }
        gaps
    }
}

/// How many copies of a message that was taken were heard by nobody, though somebody was there.
fn judge_taken(n: u64, message: &Published, logs: &[Log], rooms: &HashMap<String, Room>) -> usize {
    let mut unheard = 0;
    for room in &message.rooms {
        if rooms.get(room).is_some_and(|room| room.of.contains_key(&n)) {
            continue;
        }
        let published = BTreeMap::from([(n, message.clone())]);
        let lacks = |(index, log): &(usize, &Log)| {
            let who = Who { index: *index, log, published: &published, rooms, logged: &[] };
            log.is_v1 && who.is_in(room) && !who.may_miss(n, room)
        };
        for (index, log) in logs.iter().enumerate().filter(lacks) {
            let is_gap = |heard: &Heard| matches!(heard, Heard::Gap { room: of, .. } if of.as_deref().unwrap_or(EVERYBODY) == room);
            assert!(
                log.heard.iter().any(is_gap),
                "{n} in {room} was taken, and client {index} has no gap"
            );
            unheard += 1;
        }
    }
    unheard
}
