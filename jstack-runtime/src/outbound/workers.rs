//! Workers, where connections are not there yet: nothing can be attached to a queue, and nothing
//! flushes one.

use std::io;
use std::marker::PhantomData;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

/// A socket that does not exist.
pub(crate) enum Socket {}

impl Socket {
    pub(super) fn try_write(&self, _: &[u8]) -> io::Result<usize> {
        match *self {}
    }

    pub(super) fn try_write_vectored(&self, _: &[io::IoSlice<'_>]) -> io::Result<usize> {
        match *self {}
    }

    #[allow(clippy::unused_async, reason = "waits where there are sockets")]
    pub(super) async fn writable(&self) -> io::Result<()> {
        match *self {}
    }
}

pub(super) fn shut_down(io: &Socket, _: Shutdown) {
    match *io {}
}

/// Flushes no queue.
pub(crate) struct Flusher<M>(PhantomData<fn() -> M>);

#[allow(clippy::unused_self, reason = "uses it where there are connections")]
impl<M> Flusher<M> {
    pub(crate) fn new(_: Duration) -> Self {
        Self(PhantomData)
    }

    pub(crate) fn start(&self) {}

    pub(crate) fn mark(&self, _: Arc<M>) {}

    pub(crate) fn mark_all(&self, members: &mut Vec<Arc<M>>) {
        members.clear();
    }
}
