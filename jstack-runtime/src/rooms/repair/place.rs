//! Where a room is in its history, and the merge of what its log has with what waits.
//!
//! This is the part of a repair without locks, tasks and clocks. `run.rs` has the states and their
//! diagram.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::broker::Publication;
use crate::history::{Epoch, Page, Position};
use crate::outbound::QueueLimits;
use crate::protocol::close::CLOSE;
use crate::socket_id::SocketId;

/// Closes that still wait when everything else that waits is dropped.
const MOST_CLOSES: usize = 16;

/// A room's position, and the repair that is under way.
#[derive(Debug, Default)]
pub(in crate::rooms) struct Place {
    position: Option<Position>,
    /// Messages may be missing, and the position is not known yet.
    is_doubtful: bool,
    repair: Option<Box<Repair>>,
}

/// What waits while the log is read.
#[derive(Debug, Default)]
struct Repair {
    waiting: VecDeque<Item>,
    messages: usize,
    bytes: usize,
    /// How many of the items had come before the latest read began: that read has what they miss, or
    /// nobody has it.
    before_read: usize,
}

#[derive(Debug)]
enum Item {
    Message(Waiting),
    /// Here messages may be missing.
    Doubt,
}

/// A message that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rooms) struct Waiting {
    pub(in crate::rooms) position: Option<Position>,
    pub(in crate::rooms) json: Box<[u8]>,
    pub(in crate::rooms) except: Box<[SocketId]>,
    pub(in crate::rooms) except_rooms: Box<[Cow<'static, str>]>,
}

impl Waiting {
    pub(in crate::rooms) fn new(message: &Publication<'_>) -> Self {
        let owned = |room: &Cow<'_, str>| Cow::Owned(room.clone().into_owned());
        Self {
            position: message.position,
            json: message.json().into(),
            except: message.except.into(),
            except_rooms: message.except_rooms.iter().map(owned).collect(),
        }
    }
}

/// What a room does with a message that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rooms) enum Arrival {
    /// It is delivered now.
    Next,
    /// It was delivered already.
    Repeated,
    /// It waits for the repair that is under way.
    Waits,
    /// It waits, and a repair must begin.
    Begins,
    /// There was no room for it. So many messages that the log does not have were dropped.
    Dropped(u64),
}

/// One step of a repair. Each is followed by the room's position after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rooms) enum Step {
    /// The entry of the page with this index.
    Entry(usize),
    Waiting(Waiting),
    Gap(Gap),
}

/// Messages that are not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rooms) struct Gap {
    /// How many, if that is known.
    pub(in crate::rooms) missed: Option<u64>,
    pub(in crate::rooms) why: GapCause,
    /// The room continues in another epoch.
    pub(in crate::rooms) is_reset: bool,
}

/// Why messages are not delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rooms) enum GapCause {
    /// The log does not have them.
    Lost,
    /// The log has them, and they are too many for the queues.
    TooMany,
    /// The log could not be read.
    Unread,
}

impl Place {
    pub(in crate::rooms) fn position(&self) -> Option<Position> {
        self.position
    }

    pub(in crate::rooms) fn move_to(&mut self, position: Option<Position>) {
        self.position = position;
    }

    pub(in crate::rooms) fn is_repairing(&self) -> bool {
        self.repair.is_some()
    }

    /// Notes where the log ended after the subscription began. Returns whether a repair must begin.
    pub(in crate::rooms) fn start_at(&mut self, top: Position) -> bool {
        match self.position {
            Some(at) if at.epoch() != top.epoch() || at.offset() >= top.offset() => {}
            _ => self.position = Some(top),
        }
        std::mem::take(&mut self.is_doubtful) && self.doubt()
    }

    /// Messages may be missing. Returns whether a repair must begin.
    pub(in crate::rooms) fn doubt(&mut self) -> bool {
        if self.position.is_none() {
            self.is_doubtful = true;
            return false;
        }
        let begins = self.repair.is_none();
        let repair = self.repair.get_or_insert_default();
        if !matches!(repair.waiting.back(), Some(Item::Doubt)) {
            repair.waiting.push_back(Item::Doubt);
        }
        begins
    }

    /// Takes a message that arrives; what has to wait is bounded by `limits`.
    pub(in crate::rooms) fn arrive(
        &mut self,
        message: &Publication<'_>,
        limits: QueueLimits,
    ) -> Arrival {
        if let Some(repair) = &mut self.repair {
            return repair.wait(Waiting::new(message), limits);
        }
        let Some(to) = message.position else { return Arrival::Next };
        match self.position {
            Some(at) if at.epoch() == to.epoch() && to.offset() <= at.offset() => Arrival::Repeated,
            Some(at) if at.epoch() != to.epoch() || to.offset() > at.offset() + 1 => {
                let repair = self.repair.get_or_insert_default();
                repair.wait(
                    Waiting::new(message),
                    QueueLimits { frames: usize::MAX, bytes: usize::MAX },
                );
                Arrival::Begins
            }
            _ => {
                self.position = Some(to);
                Arrival::Next
            }
        }
    }

    /// A read of the log begins. Returns the position to read from.
    pub(in crate::rooms) fn begin_read(&mut self) -> Option<Position> {
        let repair = self.repair.as_mut()?;
        repair.before_read = repair.waiting.len();
        self.position
    }

    /// Ends the repair, unless something waits.
    pub(in crate::rooms) fn finish(&mut self) -> bool {
        if self.repair.as_ref().is_some_and(|repair| !repair.waiting.is_empty()) {
            return false;
        }
        self.repair = None;
        true
    }

    /// Ends the repair and drops what waits. Returns how many messages that were.
    pub(in crate::rooms) fn abandon(&mut self) -> usize {
        self.repair.take().map_or(0, |repair| repair.messages)
    }

    /// Merges what the log has with what waits. The entries of `page` may be the last of more:
    /// `kept_from` is the first offset that the log has for this reader.
    pub(in crate::rooms) fn merge(&mut self, page: &Page, kept_from: u64) -> Vec<(Step, Position)> {
        let (Some(at), Some(repair)) = (self.position, &mut self.repair) else { return Vec::new() };
        let mut merge = Merge { page, kept_from, next: 0, at, steps: Vec::new() };
        let mut item = 0;
        while let Some(first) = repair.waiting.pop_front() {
            let is_answered = item < repair.before_read;
            item += 1;
            let taken = match first {
                Item::Doubt if is_answered => {
                    // What is missing here is before whatever waits behind it.
                    merge.entries_before(repair.next_offset(page.top.epoch()));
                    Ok(())
                }
                Item::Doubt => Err(Item::Doubt),
                Item::Message(waiting) => {
                    let size = waiting.json.len();
                    merge.take(waiting, is_answered).map_err(Item::Message).inspect(|()| {
                        repair.messages -= 1;
                        repair.bytes -= size;
                    })
                }
            };
            if let Err(later) = taken {
                // It came after the read began: the next read tells more.
                repair.waiting.push_front(later);
                break;
            }
        }
        repair.before_read = 0;
        merge.end()
    }

    /// The log cannot be read: what waits follows, with gaps.
    pub(in crate::rooms) fn give_up(&mut self) -> Vec<(Step, Position)> {
        let (Some(mut at), Some(repair)) = (self.position, &mut self.repair) else {
            return Vec::new();
        };
        let mut steps =
            vec![(Step::Gap(Gap { missed: None, why: GapCause::Unread, is_reset: false }), at)];
        for item in repair.waiting.drain(..) {
            let Item::Message(waiting) = item else { continue };
            if let Some(to) = waiting.position {
                let is_reset = at.epoch() != to.epoch();
                if !is_reset && to.offset() <= at.offset() {
                    continue;
                }
                if is_reset {
                    let before = Position::new(to.epoch(), to.offset().saturating_sub(1));
                    steps.push((
                        Step::Gap(Gap { missed: None, why: GapCause::Unread, is_reset }),
                        before,
                    ));
                }
                at = to;
            }
            steps.push((Step::Waiting(waiting), at));
        }
        (repair.messages, repair.bytes, repair.before_read) = (0, 0, 0);
        steps
    }
}

impl Repair {
    fn wait(&mut self, message: Waiting, limits: QueueLimits) -> Arrival {
        let size = message.json.len();
        if self.messages >= limits.frames / 2 || self.bytes + size > limits.bytes / 2 {
            return Arrival::Dropped(self.drop_waiting() + u64::from(message.position.is_none()));
        }
        self.messages += 1;
        self.bytes += size;
        self.waiting.push_back(Item::Message(message));
        Arrival::Waits
    }

    /// The offset of the first message that waits and has one in this epoch.
    fn next_offset(&self, epoch: Epoch) -> u64 {
        let offset = |item: &Item| match item {
            Item::Message(Waiting { position: Some(at), .. }) if at.epoch() == epoch => {
                Some(at.offset())
            }
            _ => None,
        };
        self.waiting.iter().find_map(offset).unwrap_or(u64::MAX)
    }

    /// Drops what waits; what has a position is read from the log again. Returns how many messages
    /// that cannot be read were dropped.
    fn drop_waiting(&mut self) -> u64 {
        let mut lost = 0;
        for item in std::mem::take(self).waiting {
            let Item::Message(message) = item else { continue };
            if message.json.starts_with(CLOSE) && self.messages < MOST_CLOSES {
                self.messages += 1;
                self.bytes += message.json.len();
                self.waiting.push_back(Item::Message(message));
            } else {
                lost += u64::from(message.position.is_none());
            }
        }
        self.waiting.push_back(Item::Doubt);
        lost
    }
}

/// A merge under way.
struct Merge<'a> {
    page: &'a Page,
    kept_from: u64,
    /// The next entry of the page.
    next: usize,
    at: Position,
    steps: Vec<(Step, Position)>,
}

impl Merge<'_> {
    fn epoch(&self) -> Epoch {
        self.page.top.epoch()
    }

    /// Takes what waits next, or hands it back if only a later read can tell what is before it.
    fn take(&mut self, waiting: Waiting, is_answered: bool) -> Result<(), Waiting> {
        let Some(to) = waiting.position else {
            self.steps.push((Step::Waiting(waiting), self.at));
            return Ok(());
        };
        if to.epoch() != self.epoch() {
            if to.epoch() == self.at.epoch() {
                // The epoch is over. What continues it is delivered; the rest is behind the gap.
                if to.offset() == self.at.offset() + 1 {
                    self.step(Step::Waiting(waiting), to);
                }
                return Ok(());
            }
            if !is_answered {
                return Err(waiting);
            }
            // The log does not know it: it was published through a server that is not the master.
            if self.at.epoch() == self.epoch() {
                self.gap(Some(1), GapCause::Lost, self.at);
            }
            return Ok(());
        }
        self.entries_before(to.offset());
        let expected = self.next_offset();
        if expected.is_some_and(|expected| to.offset() < expected) {
            return Ok(());
        }
        if expected.is_none_or(|expected| to.offset() > expected) {
            if to.offset() > self.page.top.offset() && !is_answered {
                return Err(waiting);
            }
            self.skip_to(to.offset());
        }
        if self.page.entries.get(self.next).is_some_and(|entry| entry.offset == to.offset()) {
            self.next += 1;
        }
        self.step(Step::Waiting(waiting), to);
        Ok(())
    }

    /// The offset that follows; `None` while the former epoch is not left.
    fn next_offset(&self) -> Option<u64> {
        (self.at.epoch() == self.epoch()).then(|| self.at.offset().saturating_add(1))
    }

    fn entries_before(&mut self, end: u64) {
        while let Some(entry) = self.page.entries.get(self.next).filter(|it| it.offset < end) {
            let n = self.next;
            self.next += 1;
            if self.next_offset().is_some_and(|expected| entry.offset < expected) {
                continue;
            }
            self.skip_to(entry.offset);
            self.step(Step::Entry(n), Position::new(self.epoch(), entry.offset));
        }
    }

    /// What is missing before `offset` is a gap, if anything is.
    fn skip_to(&mut self, offset: u64) {
        let before = Position::new(self.epoch(), offset.saturating_sub(1));
        let Some(expected) = self.next_offset() else {
            let kept_from = self.kept_from.min(offset);
            let start = Position::new(self.epoch(), kept_from.saturating_sub(1));
            let gap = Gap { missed: None, why: GapCause::Lost, is_reset: true };
            self.step(Step::Gap(gap), start);
            return self.skip_to(offset);
        };
        let lost_to = offset.min(self.kept_from.max(expected));
        if lost_to > expected {
            let at = Position::new(self.epoch(), lost_to - 1);
            self.gap(Some(lost_to - expected), GapCause::Lost, at);
        }
        if offset > lost_to {
            self.gap(Some(offset - lost_to), GapCause::TooMany, before);
        }
    }

    fn gap(&mut self, missed: Option<u64>, why: GapCause, at: Position) {
        self.step(Step::Gap(Gap { missed, why, is_reset: false }), at);
    }

    fn step(&mut self, step: Step, at: Position) {
        self.at = at;
        self.steps.push((step, at));
    }

    /// The rest of the page.
    fn end(mut self) -> Vec<(Step, Position)> {
        self.entries_before(u64::MAX);
        let top = self.page.top.offset();
        if self.next_offset().is_none_or(|expected| expected <= top) {
            // The last entries are missing or cannot be read.
            self.kept_from = top.saturating_add(1);
            self.skip_to(top.saturating_add(1));
        }
        self.steps
    }
}
