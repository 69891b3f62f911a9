//! Closing connections: one, or those that a target selects in every process.

use std::sync::Arc;

use super::hub::{Hub, left_out};
use super::member::Member;
use super::name::EVERYONE;
use crate::broker::{Publication, Scope};
use crate::close_reason::{CloseReason, ClosedBy};
use crate::outbound::Frame;
use crate::protocol::close::{Close, read_close};
use crate::protocol::frames::{self, Bye};

impl Hub {
    /// Ends a connection with a close frame.
    pub(crate) fn close(&self, member: &Arc<Member>, reason: CloseReason) {
        self.close_after(member, reason, None);
    }

    /// Ends a connection; a client of the profile `v1` is asked to reconnect after so many
    /// milliseconds.
    pub(crate) fn close_after(
        &self,
        member: &Arc<Member>,
        reason: CloseReason,
        after: Option<u64>,
    ) {
        if member.profile.is_v1()
            && member.ending().is_none()
            && let Some(bye) = Bye::of(&reason, after)
        {
            self.push(member, &Frame::new(frames::bye(&bye)));
        }
        if let Some(pushed) = member.close(reason) {
            self.schedule_flush(member, pushed);
        }
    }

    /// Closes the members here that a close from a process selects.
    #[cold]
    pub(super) fn close_selected(&self, message: &Publication<'_>) {
        let Some(Close { code, reason }) = read_close(message.json()) else {
            tracing::error!("a close from another process cannot be read");
            return;
        };
        // Closed outside of the room's lock: a close may end the reading task, which leaves.
        for member in self.selected(message) {
            self.close(&member, CloseReason::new(ClosedBy::Server, code, reason.clone()));
        }
    }

    /// The local members that a message addresses.
    fn selected(&self, message: &Publication<'_>) -> Vec<Arc<Member>> {
        let room = match (message.channel.scope, message.only) {
            (Scope::All, _) => EVERYONE,
            (Scope::Room(name), _) => name,
            (Scope::Node(_), Some(id)) => {
                return self
                    .member(id)
                    .filter(|member| !left_out(member, message))
                    .into_iter()
                    .collect();
            }
            (Scope::Node(_), None) => return Vec::new(),
        };
        let members = self.members_of(room);
        members.into_iter().filter(|member| !left_out(member, message)).collect()
    }
}
