//! Where a room is in its history, and the repair that is under way.
//!
//! This and `merge.rs` are the parts of a repair without locks, tasks and clocks. `run.rs` has the
//! states and their diagram.

use super::merge::{Gap, GapCause, Merge, Step};
use super::waiting::{Arrival, Item, Repair, Waiting};
use crate::broker::Publication;
use crate::history::{Page, Position};
use crate::outbound::QueueLimits;

/// A room's position, and the repair that is under way.
#[derive(Debug, Default)]
pub(in crate::rooms) struct Place {
    position: Option<Position>,
    /// Messages may be missing, and the position is not known yet.
    is_doubtful: bool,
    /// Behind this position a gap is reported already for messages that the log does not know.
    unknown_at: Option<Position>,
    repair: Option<Box<Repair>>,
}

impl Place {
    pub(in crate::rooms) fn position(&self) -> Option<Position> {
        self.position
    }

    /// The position for a member that joins. It has heard of no gap before.
    pub(in crate::rooms) fn welcome(&mut self) -> Option<Position> {
        self.unknown_at = None;
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
        let mut merge = Merge::new(page, kept_from, at, self.unknown_at);
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
                // It came after the read began: the next read settles it.
                repair.waiting.push_front(later);
                break;
            }
        }
        repair.before_read = 0;
        let (steps, unknown_at) = merge.end();
        self.unknown_at = unknown_at;
        steps
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
