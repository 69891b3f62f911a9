//! The end of a server with many connections.

use std::time::Instant;

use jstack_runtime::BoxError;
use jstack_tests::{Client, Frame};
use tokio::task::JoinSet;

use crate::other::Other;

pub(crate) async fn drain(count: usize) -> Result<(), BoxError> {
    let mut other = Other::start().await;
    let idle = other.resident();
    let mut clients = Vec::with_capacity(count);
    for _ in 0..count {
        clients.push(Client::chat(other.address).await?);
    }
    let full = other.resident();
    println!(
        "{count} connections: {} KiB of memory, {:.2} each",
        full - idle,
        (full - idle) as f64 / count as f64
    );
    other.command("say last words").await;
    // Until the first has heard it, the signal could come before the emit.
    let mut first = clients.pop().ok_or("no connection")?;
    let mut heard = usize::from(first.next_text().await.contains("last words"));
    other.terminate().await;
    let start = Instant::now();
    let mut ends = JoinSet::new();
    for mut client in std::iter::once(first).chain(clients) {
        ends.spawn(async move {
            let mut heard = 0;
            loop {
                match client.next().await {
                    Frame::Text(text) => heard += usize::from(text.contains("last words")),
                    Frame::Control(..) => {}
                    Frame::Close(code, _) => return (heard, code, start.elapsed()),
                    Frame::End => return (heard, 1006, start.elapsed()),
                }
            }
        });
    }
    let ends = ends.join_all().await;
    other.child.wait().await?;
    let over = start.elapsed();
    heard += ends.iter().map(|(heard, ..)| heard).sum::<usize>();
    let restarting = ends.iter().filter(|(_, code, _)| *code == 1012).count();
    let mut seconds = [0; 16];
    for (.., at) in &ends {
        seconds[usize::try_from(at.as_secs()).unwrap_or(15).min(15)] += 1;
    }
    println!(
        "{heard} of {count} heard the last words; {restarting} closed with 1012; a second each: \
         {seconds:?}; process gone after {over:.2?}"
    );
    if heard == count && restarting == count { Ok(()) } else { Err("verdict: bad".into()) }
}
