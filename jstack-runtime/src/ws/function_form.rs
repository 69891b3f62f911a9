//! `Receiver`: the events of one connection, for the function form.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::handlers::{IntoOutcome, SocketProcedure};
use crate::close_reason::{CloseReason, ClosedBy};
use crate::error::{Error, Result};
use crate::guard::caught;
use crate::protocol::codec::{self, Inbound};
use crate::transport::Connection;

/// The events that one client sends, in order.
///
/// Dropping it stops reading: the client's messages then wait in its own network stack.
pub struct Receiver<P: SocketProcedure> {
    connection: Option<Connection>,
    /// Where the connection goes when the receiver is dropped, so that it can end in peace.
    back: Arc<ReturnSlot>,
    procedure: PhantomData<fn() -> P>,
}

#[derive(Default)]
struct ReturnSlot {
    connection: Mutex<Option<Connection>>,
    reason: OnceLock<CloseReason>,
}

impl<P: SocketProcedure> Receiver<P> {
    fn new(connection: Connection, back: Arc<ReturnSlot>) -> Self {
        Self { connection: Some(connection), back, procedure: PhantomData }
    }

    /// Waits for the next event; `None` once the connection has closed or is lost. Frames that
    /// do not decode are answered with the `error` event and skipped.
    ///
    /// It can be dropped while it waits, in `select!` for example, without losing anything.
    /// Fails if the client broke the protocol or a limit, which has closed the connection.
    pub async fn recv(&mut self) -> Result<Option<P::Incoming>> {
        let Some(connection) = &mut self.connection else { return Ok(None) };
        let depth = connection.hub().bounds().json_depth;
        loop {
            let read =
                poll_fn(|cx| connection.poll_data(cx, |data| codec::read(&data, depth))).await;
            connection.release_buffer();
            match read {
                Some(Inbound::Event(_, event)) => return Ok(Some(event)),
                Some(Inbound::Ping) => connection.pong(),
                Some(Inbound::Fault(event, error)) => {
                    connection.hub().meters().invalid.increment(1);
                    connection.send_error(event.as_deref(), &error);
                }
                None => {
                    let reason = connection.reason();
                    return if reason.by() == ClosedBy::Limit {
                        Err(Error::bad_request(reason.reason().to_owned()))
                    } else {
                        Ok(None)
                    };
                }
            }
        }
    }

    /// Why the connection ended; `None` while it has not.
    pub fn close_reason(&self) -> Option<CloseReason> {
        self.connection.as_ref().and_then(|c| c.member().ending().cloned())
    }
}

impl<P: SocketProcedure> Drop for Receiver<P> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            if let Some(reason) = connection.member().ending() {
                let _ = self.back.reason.set(reason.clone());
            }
            *self.back.connection.lock() = Some(connection);
        }
    }
}

impl<P: SocketProcedure> fmt::Debug for Receiver<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("closed", &self.close_reason()).finish_non_exhaustive()
    }
}

/// Runs the function form from the upgrade to the end: returning closes.
pub(crate) async fn run<P: SocketProcedure, F, Fut>(connection: Option<Connection>, function: F)
where
    F: FnOnce(Receiver<P>) -> Fut,
    Fut: Future<Output: IntoOutcome<()>>,
{
    let Some(connection) = connection else { return };
    let (hub, member) = (connection.hub().clone(), connection.member().clone());
    let back = Arc::new(ReturnSlot::default());
    let receiver = Receiver::new(connection, back.clone());
    let (code, said) = match caught(async move { function(receiver).await.outcome() }).await {
        Ok(Ok(())) => (1000, ""),
        // A client that left is not a failure of the function that was emitting to it.
        Ok(Err(error)) if error.code() == "gone" && member.ending().is_some() => (1000, ""),
        Ok(Err(error)) => {
            hub.meters().failed.function.increment(1);
            error.log(hub.procedure());
            if member.ending().is_none() {
                let frame = codec::error_frame(None, &error);
                hub.push(&member, &crate::outbound::Frame::new(frame));
            }
            (1011, "the procedure failed")
        }
        Err(_) => {
            hub.meters().failed.function.increment(1);
            (1011, "the procedure failed")
        }
    };
    let by = if code == 1000 { ClosedBy::Server } else { ClosedBy::Failure };
    hub.close(&member, CloseReason::fixed(by, code, said));
    let connection = back.connection.lock().take();
    if let Some(connection) = connection {
        connection.finish().await;
    }
}
