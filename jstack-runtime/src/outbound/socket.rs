//! The plain socket that a queue writes to; under loom, a model of it.

#[cfg(not(jstack_loom))]
pub(super) use tokio::net::tcp::OwnedWriteHalf as Socket;

/// Ends one direction of the stream, or both. A socket that is closed already stays so.
#[cfg(not(jstack_loom))]
pub(super) fn shut_down(io: &Socket, how: std::net::Shutdown) {
    let _ = socket2::SockRef::from(io.as_ref()).shutdown(how);
}

#[cfg(jstack_loom)]
pub(super) use model::{Socket, shut_down};

#[cfg(jstack_loom)]
#[allow(clippy::expect_used, clippy::unused_async, reason = "only in the model")]
mod model {
    use std::io;
    use std::sync::{Arc, Mutex};

    /// Takes at most `at_once` bytes a write, and keeps them.
    #[derive(Default)]
    pub(crate) struct Socket {
        pub(in crate::outbound) written: Arc<Mutex<Vec<u8>>>,
        pub(in crate::outbound) at_once: usize,
    }

    impl Socket {
        pub(in crate::outbound) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.at_once);
            self.written.lock().expect("not poisoned").extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        pub(in crate::outbound) fn try_write_vectored(
            &self,
            pieces: &[io::IoSlice<'_>],
        ) -> io::Result<usize> {
            pieces.first().map_or(Ok(0), |piece| self.try_write(piece))
        }

        pub(in crate::outbound) async fn writable(&self) -> io::Result<()> {
            Ok(())
        }
    }

    impl From<tokio::net::tcp::OwnedWriteHalf> for Socket {
        fn from(_: tokio::net::tcp::OwnedWriteHalf) -> Self {
            Self::default()
        }
    }

    pub(in crate::outbound) fn shut_down(_: &Socket, _: std::net::Shutdown) {}
}
