//! Checks whether servers listen under the name of this process.

use std::collections::BTreeSet;
use std::time::Duration;

use ::redis::PushInfo;
use tokio::time::timeout;

use super::connect::Link;
use crate::broker::format::names;

/// How long Redis may take to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// Fails if processes listen and none of them under `prefix`; the error names theirs. Passes if
/// Redis does not say who listens: nothing depends on this check.
pub(crate) async fn check(link: &Link, prefix: &str) -> Result<(), String> {
    let Ok(Some(others)) = timeout(ANSWER, prefixes(link)).await else { return Ok(()) };
    let own = names::prefix(prefix);
    if others.is_empty() || others.contains(&own) {
        return Ok(());
    }
    let others: Vec<_> = others.iter().map(|other| format!("`{other}`")).collect();
    Err(format!(
        "no server listens under the name `{own}` on the Redis at {}, but there are some under {}: \
         if one of these is meant, give its name to `Emitter::connect_as`, or to both by JSTACK_NAME",
        link.address.shown,
        others.join(", ")
    ))
}

/// The prefixes of all processes that listen for their probes.
async fn prefixes(link: &Link) -> Option<BTreeSet<String>> {
    let quiet = |_: PushInfo| Ok::<_, ()>(());
    let mut connection = link.connect(quiet).await.ok()?.connection;
    let mut command = ::redis::cmd("PUBSUB");
    command.arg("CHANNELS").arg(format!("*{}*", names::PROBE));
    let channels: Vec<String> = command.query_async(&mut connection).await.ok()?;
    let prefix = |name: &String| Some(name.split_once(names::PROBE)?.0.to_owned());
    Some(channels.iter().filter_map(prefix).collect())
}
