//! The module form, from the upgrade to the end: one event after the other.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use metrics::Counter;

use super::handlers::Handlers;
use crate::close_reason::{CloseReason, ClosedBy};
use crate::error::{Error, Result};
use crate::guard::{Aborted, limited};
use crate::observe;
use crate::platform::Instant;
use crate::protocol::codec::{self, Inbound};
use crate::rooms::Hub;
use crate::transport::{Connection, ConnectionFuture};

/// Runs `#[disconnect]` for a client that left between `#[connect]` and the upgrade.
pub(crate) fn disconnect_before_upgrade<P: Handlers>(
    hub: Option<Arc<Hub>>,
    session: P::Session,
    kept: P::Extractors,
) -> ConnectionFuture {
    let Some(hub) = hub else { return Box::pin(std::future::ready(())) };
    let reason = CloseReason::fixed(ClosedBy::Lost, 1006, "gone before the upgrade");
    Box::pin(disconnect::<P>(hub, session, kept, reason))
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
    kept: P::Extractors,
    mut refresh: Option<Refresh<P::Session>>,
) -> impl Future<Output = ()> + Send {
    async move {
        {
            let (hub, member) = (connection.hub(), connection.member());
            hub.introduce(member, P::member(&session).map(|member| member.0));
        }
        let (depth, handler_timeout) = {
            let bounds = connection.hub().bounds();
            (bounds.json_depth, bounds.handler_timeout)
        };
        let profile = connection.profile();
        let timed = connection.hub().node().meters().timed;
        loop {
            let read = poll_fn(|cx| {
                connection.poll_message(cx, |message| codec::read(&message, depth, profile))
            })
            .await;
            let (event, request, failed) = match read {
                Some(Inbound::Event { name, event, request }) => {
                    if request.is_some() {
                        connection.hub().meters().requests.increment(1);
                    }
                    let started = timed.then(Instant::now);
                    let handled = pin!(P::event(&kept, &mut session, event));
                    let handled = beside(&mut connection, limited(handled, handler_timeout)).await;
                    if let Some(started) = started {
                        connection.hub().meters().handler_seconds.record(started.elapsed());
                    }
                    let failed = match settled(handled, handler_timeout) {
                        Ok(reply) => {
                            if let Some(request) = &request {
                                connection.send_reply(request, &reply);
                            }
                            continue;
                        }
                        Err(failed) => failed,
                    };
                    connection.hub().meters().failed.on.increment(1);
                    let Some(failed) = failed else {
                        panicked(&connection, request.as_deref());
                        break;
                    };
                    (Some(name.to_owned()), request, failed)
                }
                Some(Inbound::Token { token, request }) => {
                    let renewed = match &mut refresh {
                        None => Ok(Err(not_renewable())),
                        Some(refresh) => {
                            let renewed = pin!(refresh(token, &mut session));
                            beside(&mut connection, limited(renewed, handler_timeout)).await
                        }
                    };
                    let failed = match settled(renewed, handler_timeout) {
                        Ok(()) => {
                            if let Some(request) = &request {
                                connection.send_ttl(request);
                            }
                            continue;
                        }
                        Err(failed) => failed,
                    };
                    let Some(failed) = failed else {
                        panicked(&connection, request.as_deref());
                        break;
                    };
                    failed.log(connection.hub().procedure());
                    connection.send_error(Some("$token"), request.as_deref(), &failed);
                    continue;
                }
                Some(Inbound::Fault { name, error, request }) => {
                    connection.hub().meters().invalid.increment(1);
                    (name, request, error)
                }
                None => break,
            };
            connection.release_buffer();
            failed.log(connection.hub().procedure());
            let reported = {
                let hook = pin!(P::error(&kept, &mut session, &failed));
                beside(&mut connection, limited(hook, handler_timeout)).await
            };
            if let Err(Aborted::Panicked) = reported {
                connection.hub().meters().failed.error.increment(1);
                panicked(&connection, request.as_deref());
                break;
            }
            let hub = connection.hub();
            report_hook_result(hub, "error", &hub.meters().failed.error, reported);
            connection.send_error(event.as_deref(), request.as_deref(), &failed);
        }
        // Boxed, so that its arguments are not stored twice while the connection lives.
        let (hub, reason) = (connection.hub().clone(), connection.reason());
        let last: ConnectionFuture = Box::pin(disconnect::<P>(hub, session, kept, reason));
        last.await;
        connection.finish().await;
    }
}

/// The result of a handler. The error is `None` after a panic, which ends the connection.
#[inline]
fn settled<T>(handled: Result<Result<T>, Aborted>, timeout: Duration) -> Result<T, Option<Error>> {
    match handled {
        Ok(result) => result.map_err(Some),
        Err(Aborted::TimedOut) => Err(Some(too_slow(timeout))),
        Err(Aborted::Panicked) => Err(None),
    }
}

/// Runs a handler to its end. While it waits, the connection reads on: control frames, pings and
/// answers do not wait for handlers.
fn beside<T>(
    connection: &mut Connection,
    mut handler: impl Future<Output = T> + Unpin,
) -> impl Future<Output = T> {
    poll_fn(move |cx| {
        let polled = Pin::new(&mut handler).poll(cx);
        if polled.is_pending() {
            connection.poll_ahead(cx);
        }
        polled
    })
}

/// Runs `#[refresh]` with a new token.
pub(crate) type Refresh<T> = Box<
    dyn for<'a> FnMut(String, &'a mut T) -> Pin<Box<dyn Future<Output = Result> + Send + 'a>>
        + Send,
>;

#[cold]
fn not_renewable() -> Error {
    Error::with_code(
        StatusCode::NOT_IMPLEMENTED,
        "unsupported",
        "this procedure does not renew credentials: it has no `#[refresh]`",
    )
}

/// Runs `#[disconnect]`.
async fn disconnect<P: Handlers>(
    hub: Arc<Hub>,
    session: P::Session,
    kept: P::Extractors,
    reason: CloseReason,
) {
    let limit = hub.bounds().handler_timeout;
    let last = pin!(P::disconnect(kept, session, reason));
    let ended = limited(last, limit).await;
    report_hook_result(&hub, "disconnect", &hub.meters().failed.disconnect, ended);
}

/// Logs and counts a failed `#[error]` or `#[disconnect]` hook.
fn report_hook_result(
    hub: &Hub,
    hook: &'static str,
    counter: &Counter,
    ended: std::result::Result<Result, Aborted>,
) {
    let procedure = hub.procedure();
    match ended {
        Ok(Ok(())) => return,
        Ok(Err(error)) => log(hub, hook, &error),
        Err(Aborted::TimedOut) => observe::error!(procedure, hook, "hook did not finish in time"),
        Err(Aborted::Panicked) => observe::error!(procedure, hook, "hook panicked"),
    }
    counter.increment(1);
}

/// Logs the `Err` of a hook, whatever its status: the client does not get it, and the application
/// expects the hook to work.
#[cold]
fn log(hub: &Hub, hook: &'static str, error: &Error) {
    let (procedure, code) = (hub.procedure(), error.code());
    let cause = error.cause().map_or_else(|| error.message().to_owned(), ToString::to_string);
    observe::error!(procedure, hook, code, ?cause, "hook failed");
}

/// Ends the connection whose handler panicked, and nothing else.
fn panicked(connection: &Connection, request: Option<&str>) {
    let procedure = connection.hub().procedure();
    if request.is_some() {
        connection.send_error(None, request, &Error::internal("a handler panicked"));
    }
    observe::error!(procedure, socket = %connection.member().id, "a handler panicked");
    connection.close(CloseReason::fixed(ClosedBy::Failure, 1011, "Internal Server Error"));
}

#[cold]
fn too_slow(limit: Duration) -> Error {
    Error::with_code(
        StatusCode::GATEWAY_TIMEOUT,
        "timeout",
        format!("the handler took longer than {} s and was stopped", limit.as_secs_f32()),
    )
}
