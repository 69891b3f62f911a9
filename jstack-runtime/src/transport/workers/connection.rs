//! A connection that does not exist: what the rest of the crate needs of one.

use std::sync::Arc;
use std::task::{Context, Poll};

use crate::protocol::codec::WireMessage;
use crate::protocol::mailbox::Mailbox;
use crate::rooms::{Hub, Member};

/// A connection after its upgrade. There is none yet.
pub(crate) enum Connection {}

impl Connection {
    pub(crate) fn hub(&self) -> &Arc<Hub> {
        match *self {}
    }

    pub(crate) fn member(&self) -> &Arc<Member> {
        match *self {}
    }

    pub(crate) fn poll_message<T>(
        &mut self,
        _: &mut Context<'_>,
        _: impl FnMut(WireMessage<'_>) -> T,
    ) -> Poll<Option<T>> {
        match *self {}
    }

    pub(crate) fn poll_ahead(&mut self, _: &mut Context<'_>) -> bool {
        match *self {}
    }

    pub(crate) fn share_mailbox(&mut self) -> Arc<Mailbox> {
        match *self {}
    }

    pub(crate) fn release_buffer(&mut self) {
        match *self {}
    }

    #[allow(clippy::unused_async, reason = "waits where there are connections")]
    pub(crate) async fn finish(self) {
        match self {}
    }
}
