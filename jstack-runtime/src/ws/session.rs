//! The module form, from the upgrade to the end: one event after the other.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::time::Instant;

use http::StatusCode;

use super::connection::Connection;
use super::guard::{Cut, limited};
use super::wire::{self, Inbound};
use crate::closing::{CloseReason, ClosedBy};
use crate::error::Error;
use crate::procedure::Handlers;

/// What `#[connect]` began, `#[disconnect]` ends, also for a client that was gone before the
/// upgrade.
pub(crate) fn gone<P: Handlers>(
    session: P::Session,
    kept: P::Kept,
) -> impl Future<Output = ()> + Send {
    let reason = CloseReason::fixed(ClosedBy::Lost, 1006, "gone before the upgrade");
    P::disconnect(kept, session, reason)
}

/// Hands events to handlers until the connection ends.
///
/// Not an `async fn`: that would keep its arguments twice for as long as the connection lives.
#[allow(
    clippy::manual_async_fn,
    reason = "an `async fn` keeps its arguments beside what it moves them to"
)]
pub(crate) fn serve<P: Handlers>(
    mut connection: Connection,
    mut session: P::Session,
    kept: P::Kept,
) -> impl Future<Output = ()> + Send {
    async move {
        let (depth, handler_timeout) = {
            let bounds = connection.hub().bounds();
            (bounds.json_depth, bounds.handler_timeout)
        };
        let timed = connection.hub().process().meters().timed;
        loop {
            let read =
                poll_fn(|cx| connection.poll_data(cx, |data| wire::read(&data, depth))).await;
            let (event, failed) = match read {
                Some(Inbound::Event(name, event)) => {
                    let started = timed.then(Instant::now);
                    let handled = pin!(P::event(&kept, &mut session, event));
                    let mut handled = limited(handled, handler_timeout);
                    let handled = poll_fn(|cx| {
                        let polled = Pin::new(&mut handled).poll(cx);
                        if polled.is_pending() {
                            connection.let_go();
                        }
                        polled
                    })
                    .await;
                    if let Some(started) = started {
                        connection.hub().meters().handler_seconds.record(started.elapsed());
                    }
                    match handled {
                        Ok(Ok(())) => continue,
                        Ok(Err(error)) => (Some(name.to_owned()), error),
                        Err(Cut::TimedOut) => (Some(name.to_owned()), too_slow(handler_timeout)),
                        Err(Cut::Panicked) => {
                            panicked(&connection);
                            break;
                        }
                    }
                }
                Some(Inbound::Ping) => {
                    connection.pong();
                    continue;
                }
                Some(Inbound::Fault(event, error)) => {
                    connection.hub().meters().invalid.increment(1);
                    (event, error)
                }
                None => break,
            };
            connection.let_go();
            failed.log(connection.hub().procedure());
            let told = {
                let hook = pin!(P::error(&kept, &mut session, &failed));
                limited(hook, handler_timeout).await
            };
            if told == Err(Cut::Panicked) {
                panicked(&connection);
                break;
            }
            connection.tell(event.as_deref(), &failed);
        }
        let reason = connection.reason();
        let started = Instant::now();
        let last = pin!(P::disconnect(kept, session, reason));
        if limited(last, handler_timeout).await.is_err() {
            let procedure = connection.hub().procedure();
            tracing::error!(procedure, elapsed = ?started.elapsed(), "#[disconnect] did not finish");
        }
        connection.finish().await;
    }
}

/// The connection in which a handler panicked ends, and nothing else does.
fn panicked(connection: &Connection) {
    let procedure = connection.hub().procedure();
    tracing::error!(procedure, socket = %connection.member().id, "a handler panicked");
    connection.close(CloseReason::fixed(ClosedBy::Failure, 1011, "Internal Server Error"));
}

#[cold]
fn too_slow(limit: std::time::Duration) -> Error {
    Error::with_code(
        StatusCode::GATEWAY_TIMEOUT,
        "timeout",
        format!("the handler took longer than {} s and was stopped", limit.as_secs_f32()),
    )
}
