//! Emits to a procedure that is not served: before the application is built, or because nobody
//! mounted it.
//!
//! Nothing could take them: the broker is not known yet, or the procedure has no name in it. An emit
//! waits for the application for a while, because a task may run before `serve` does. Otherwise it
//! fails, so that no message is lost silently.

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::hub::Hub;
use crate::broker::PublishOutcome;
use crate::error::{Error, Result};
use crate::events::{Except, Target, To};
use crate::{observe, platform};

/// How long an emit waits for the application to be built.
const PATIENCE: Duration = Duration::from_secs(5);

impl Hub {
    /// Publishes when the application is built, or fails. The message and its target are copied.
    #[cold]
    pub(super) fn publish_once_served(&self, target: &Target<'_>, buffer: &[u8]) -> PublishOutcome {
        if self.node().is_configured() {
            return self.unserved().into();
        }
        let Some(hub) = self.this() else { return self.unserved().into() };
        let (to, except) = (owned_target(&target.to), target.except.as_deref().map(owned_except));
        let mut buffer = buffer.to_vec();
        PublishOutcome::Wait(Box::pin(async move {
            hub.served().await?;
            let mut target = Target::new(&*hub, to);
            target.except = except.map(Box::new);
            let published = hub.publish_now(&target, &mut buffer);
            drop(target);
            published.await
        }))
    }

    async fn served(&self) -> Result {
        // Whether in time or not: what counts is how it is now.
        let _ = platform::timeout(PATIENCE, self.node().configured()).await;
        if self.is_served() { Ok(()) } else { Err(self.unserved()) }
    }

    /// The error of an emit that nothing can take. It is logged once, because the client does not
    /// learn it and the application may ignore it.
    fn unserved(&self) -> Error {
        let message = match self.procedure() {
            "" => format!(
                "`{}` is not mounted, so nothing can be emitted to it: add the procedure to a \
                 `router![…]` that is mounted by `App::mount`",
                self.marker()
            ),
            name => format!(
                "`{name}` is not served yet, so nothing can be emitted to it: emit after `run`, \
                 `serve` or `into_router` was called"
            ),
        };
        if !self.warned.swap(true, Ordering::Relaxed) {
            observe::warning!("{message}");
        }
        Error::internal(message)
    }
}

fn owned(room: &str) -> Cow<'static, str> {
    Cow::Owned(room.to_owned())
}

fn owned_target(to: &To<'_>) -> To<'static> {
    match to {
        To::All => To::All,
        To::Room(room) => To::Room(owned(room)),
        To::Rooms(rooms) => To::Rooms(rooms.iter().map(|room| owned(room)).collect()),
        To::Socket(id) => To::Socket(*id),
    }
}

fn owned_except(except: &Except<'_>) -> Except<'static> {
    Except {
        sockets: except.sockets.clone(),
        rooms: except.rooms.iter().map(|room| owned(room)).collect(),
    }
}
