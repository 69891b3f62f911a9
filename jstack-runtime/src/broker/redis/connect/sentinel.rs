//! Asking the Sentinels which server is the master.

use std::time::Duration;

use ::redis::{AsyncConnectionConfig, Client, ConnectionInfo, RedisError, RedisResult};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{sleep, timeout};

use super::tcp::with_keepalive;

/// How long a Sentinel may take to answer.
const ANSWER: Duration = Duration::from_millis(500);
/// How long the next Sentinel waits for the answer of the one before.
const STAGGER: Duration = Duration::from_millis(100);

/// The master of `group`, by the word of the first Sentinel that answers, and that Sentinel. The
/// next one is asked when the one before has failed or is slow, so Sentinels that hang cost
/// little. Fails with a sentence if no Sentinel names a master.
pub(crate) async fn master<'a>(
    sentinels: &'a [ConnectionInfo],
    group: &str,
    explain: impl Fn(&RedisError) -> String,
) -> Result<(&'a ConnectionInfo, String, u16), String> {
    let mut trouble = "the address names no Sentinel".to_owned();
    let mut rest = sentinels.iter();
    let mut asked = FuturesUnordered::new();
    loop {
        if let Some(sentinel) = rest.next() {
            asked.push(async move { (sentinel, timeout(ANSWER, ask(sentinel, group)).await) });
        }
        let answer = tokio::select! {
            answer = asked.next() => answer,
            () = sleep(STAGGER), if rest.len() > 0 => continue,
        };
        let Some((sentinel, answer)) = answer else { return Err(trouble) };
        let addr = sentinel.addr();
        trouble = match answer {
            Ok(Ok(Some((host, port)))) => return Ok((sentinel, host, port)),
            Ok(Ok(None)) => format!("the Sentinels do not know a group `{group}`"),
            Ok(Err(error)) => format!("Sentinel {addr}: {}", explain(&error)),
            Err(_) => format!("Sentinel {addr} does not answer"),
        };
    }
}

async fn ask(sentinel: &ConnectionInfo, group: &str) -> RedisResult<Option<(String, u16)>> {
    let client = Client::open(with_keepalive(sentinel.clone()))?;
    let config = AsyncConnectionConfig::new().set_connection_timeout(None);
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    ::redis::cmd("SENTINEL")
        .arg("GET-MASTER-ADDR-BY-NAME")
        .arg(group)
        .query_async(&mut connection)
        .await
}
