//! The task of one socket: it dials, reads and writes what the [`Core`](super::core::Core) decides.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use super::closing::End;
use super::core::Phase;
use super::dial::with_token;
use super::failure;
use super::shared::{Captured, Shared};
use super::token::TokenReason;
use super::wire::{Received, Wire};
use crate::events::EventPublisher;

/// How long a server may take to answer a close.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);
/// Where nothing is due.
const FAR: Duration = Duration::from_hours(24);

/// Runs a socket until no handle is left.
pub(super) async fn run(shared: Arc<Shared>) {
    loop {
        let (phase, abandoned) = {
            let core = shared.core();
            (core.phase, core.abandoned)
        };
        match phase {
            Phase::Closed if abandoned => return,
            Phase::Dial => attempt(&shared).await,
            _ => {
                while_in(&shared, phase, std::future::pending::<()>()).await;
            }
        }
    }
}

/// Awaits `future` while the phase stays what it is; does meanwhile what is due.
async fn while_in<T>(
    shared: &Arc<Shared>,
    phase: Phase,
    future: impl Future<Output = T>,
) -> Option<T> {
    let mut future = pin!(future);
    loop {
        let due = {
            let core = shared.core();
            if core.phase != phase || (phase == Phase::Closed && core.abandoned) {
                return None;
            }
            core.deadline().unwrap_or_else(|| Instant::now() + FAR)
        };
        tokio::select! {
            output = &mut future => return Some(output),
            () = shared.work.notified() => {}
            () = sleep_until(due) => tick(shared),
        }
    }
}

fn tick(shared: &Arc<Shared>) {
    if shared.change(super::core::Core::tick) {
        let shared = shared.clone();
        tokio::spawn(async move {
            if let Err(error) = shared.renew(TokenReason::Expiring).await {
                shared.change(|core| core.report(None, error));
            }
        });
    }
}

/// One attempt, and the connection that comes of it.
async fn attempt(shared: &Arc<Shared>) {
    let (offered, reason, phase) = shared.change(|core| {
        let reason = if core.refused { TokenReason::Refused } else { TokenReason::Connect };
        (core.begin(), reason, core.phase)
    });
    let dialled = while_in(shared, phase, async {
        let token = shared.tokens.get(reason).await.map_err(|error| {
            let message = format!("there is no token: {error}");
            End::of(crate::error::Error::unauthorized(message).with_source(error))
        })?;
        let headers = with_token(shared.headers.clone(), token.as_deref()).map_err(End::of)?;
        Ok(shared.server.open(&shared.path, headers, offered).await)
    });
    match dialled.await {
        // Closed meanwhile, or too late.
        None => {}
        // No token: the server was not asked.
        Some(Err(end)) => shared.change(|core| core.lost(end)),
        Some(Ok(Err(end))) => shared.change(|core| core.missed(end, offered)),
        Some(Ok(Ok((wire, v1)))) => {
            shared.change(|core| core.shaken(v1));
            serve(shared, wire).await;
        }
    }
}

/// Reads and writes until the connection is over.
async fn serve(shared: &Arc<Shared>, mut wire: Wire) {
    loop {
        if shared.core().phase == Phase::Opening {
            open(shared);
        }
        let due = match hand_over(shared, &mut wire) {
            Ok(due) => due,
            // The next attempt does not wait for the end of this one.
            Err((code, reason)) => {
                tokio::spawn(hang_up(wire, code, reason));
                return;
            }
        };
        tokio::select! {
            received = wire.next() => match received {
                Received::Text(text) => {
                    let asked = shared.change(|core| {
                        core.receive(&text);
                        std::mem::take(&mut core.asked)
                    });
                    for asked in asked {
                        tokio::spawn(shared.clone().answer(asked));
                    }
                }
                Received::Sign => shared.core().heard(),
                Received::Close { code, reason } => {
                    shared.change(|core| core.ended(code, &reason));
                    // The answer to its close.
                    let _ = timeout(CLOSE_DEADLINE, wire.flush()).await;
                    return;
                }
                Received::Lost => return shared.change(|core| core.ended(1006, "")),
            },
            () = shared.work.notified() => {}
            () = sleep_until(due) => tick(shared),
        }
    }
}

/// Passes on what is to be sent: when something is due next, or the close that ends it.
fn hand_over(shared: &Shared, wire: &mut Wire) -> Result<Instant, (u16, String)> {
    let mut core = shared.core();
    for text in core.out.drain(..) {
        wire.push_text(&text);
    }
    core.sending = wire.waiting();
    if matches!(core.phase, Phase::Dialing(_) | Phase::Opening | Phase::Up) {
        Ok(core.deadline().unwrap_or_else(|| Instant::now() + FAR))
    } else {
        Err(core.close_with.clone())
    }
}

/// Lets the application restore what the server needs to know, and then sends what waited.
fn open(shared: &Arc<Shared>) {
    let restored = Captured::default();
    for hook in &shared.hooks {
        // It has begun already, and what is wrong with it is known already.
        let mut emit = pin!(hook(&restored as &dyn EventPublisher));
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        if let std::task::Poll::Ready(Err(error)) = emit.as_mut().poll(&mut cx) {
            shared.change(|core| core.report(None, error));
        }
    }
    shared.change(|core| {
        for frame in restored.0.lock().drain(..) {
            core.out.push(String::from_utf8_lossy(&frame).into_owned());
        }
        core.up();
    });
}

/// Sends what waits and a close frame, and waits a while for the server's own.
async fn hang_up(mut wire: Wire, code: u16, reason: String) {
    wire.push_close(code, &reason);
    let ended = async {
        while !matches!(wire.next().await, Received::Close { .. } | Received::Lost) {}
        let _ = wire.flush().await;
    };
    if timeout(CLOSE_DEADLINE, ended).await.is_err() {
        tracing::debug!(error = %failure::timeout("close"), "the server did not answer a close");
    }
}
