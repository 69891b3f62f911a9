//! The merge of what the log of a room has with what waits for it.

use super::waiting::Waiting;
use crate::history::{Epoch, Page, Position};

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

/// A merge under way.
pub(super) struct Merge<'a> {
    page: &'a Page,
    /// The first offset that the log has for this reader.
    kept_from: u64,
    /// The next entry of the page.
    next: usize,
    at: Position,
    /// Behind this position a gap is reported already for messages that the log does not know.
    unknown_at: Option<Position>,
    steps: Vec<(Step, Position)>,
}

impl<'a> Merge<'a> {
    /// Begins at `at`, the position of the room.
    pub(super) fn new(
        page: &'a Page,
        kept_from: u64,
        at: Position,
        unknown_at: Option<Position>,
    ) -> Self {
        Self { page, kept_from, next: 0, at, unknown_at, steps: Vec::new() }
    }

    fn epoch(&self) -> Epoch {
        self.page.top.epoch()
    }

    /// Takes the message that waits next. Returns it if only a later read shows what is before it.
    pub(super) fn take(&mut self, waiting: Waiting, is_answered: bool) -> Result<(), Waiting> {
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
            // The log does not know it: it was published through a server that is not the master. It
            // and those that follow it at once are one gap.
            if self.at.epoch() == self.epoch() && self.unknown_at != Some(self.at) {
                self.gap(None, GapCause::Lost, self.at);
                self.unknown_at = Some(self.at);
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

    /// Delivers the entries before the offset `end`.
    pub(super) fn entries_before(&mut self, end: u64) {
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

    /// Delivers the rest of the page. Returns all steps, and where messages that the log does not know
    /// are in a gap.
    pub(super) fn end(mut self) -> (Vec<(Step, Position)>, Option<Position>) {
        self.entries_before(u64::MAX);
        let top = self.page.top.offset();
        if self.next_offset().is_none_or(|expected| expected <= top) {
            // The last entries are missing or cannot be read.
            self.kept_from = top.saturating_add(1);
            self.skip_to(top.saturating_add(1));
        }
        (self.steps, self.unknown_at)
    }
}
