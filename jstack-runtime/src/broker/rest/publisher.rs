//! What is published: one request at a time, which takes all that waits.
//!
//! One request at a time keeps the order of messages. A request that was not answered is not sent
//! again: whether Upstash took its messages is not known, and nothing is published twice. Its emits
//! fail, and listeners see a hole in the numbers.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::inner::Inner;
use super::reports::unavailable;
use crate::broker::{Publication, Publish};
use crate::error::Result;
use crate::platform;

/// Accepts messages; those of one channel stay in order.
pub(super) fn publish(inner: &Arc<Inner>, messages: &[Publication<'_>]) -> Publish {
    match accept(inner, messages) {
        Ok(outcomes) => Publish::wait(async move {
            let mut result = Ok(());
            for outcome in outcomes {
                let outcome = outcome.await;
                result =
                    result.and(outcome.unwrap_or_else(|_| Err(unavailable("it was shut down"))));
            }
            result
        }),
        Err(error) => Publish::done(Err(error)),
    }
}

fn accept(
    inner: &Arc<Inner>,
    messages: &[Publication<'_>],
) -> Result<Vec<oneshot::Receiver<Result>>> {
    let from = (&*inner.prefix, inner.origin);
    let (outcomes, must_begin) = inner.outbox.lock().accept(messages, from)?;
    if must_begin {
        platform::spawn(send_all(inner.clone()));
    }
    Ok(outcomes)
}

/// Sends until nothing waits.
async fn send_all(inner: Arc<Inner>) {
    loop {
        let commands = inner.outbox.lock().take();
        if commands.is_empty() {
            return;
        }
        let texts: Vec<_> = commands
            .iter()
            .map(|command| ["PUBLISH", &*command.channel, &*command.payload])
            .collect();
        let answered = inner.api.pipeline(&texts).await;
        let failure = match &answered {
            Err(why) => Some(why),
            Ok(outcomes) => outcomes.iter().find_map(|outcome| outcome.as_ref().err()),
        };
        match failure {
            Some(why) => inner.publishing.failed(why),
            None => inner.publishing.works(),
        }
        for (n, command) in commands.into_iter().enumerate() {
            let result = match &answered {
                Err(why) => Err(why),
                Ok(outcomes) => outcomes.get(n).map_or(Ok(()), |outcome| outcome.as_ref().copied()),
            };
            for done in command.outcomes {
                let _ = done.send(result.map_err(|why| unavailable(why)));
            }
        }
    }
}
