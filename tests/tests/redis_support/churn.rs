//! Joins and leaves in random order.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jstack_runtime::broker::Scope;
use tokio::time::sleep;

use super::{Process, Random};

/// Joins and leaves rooms of the task's own, so that who is in which is known at the end, with a
/// `pause` after each: four times as often as there are rooms, and as long as `on` says. Returns
/// the channels of the rooms that are joined.
pub async fn churn(
    process: Arc<Process>,
    task: usize,
    rooms: usize,
    pause: Duration,
    on: Arc<AtomicBool>,
) -> Vec<String> {
    let mut random = Random(0x9E37_79B9 + task as u64);
    let mut joined = vec![false; rooms];
    let mut steps = 0;
    while steps < rooms * 4 || on.load(Ordering::Relaxed) {
        let which = random.below(rooms);
        let room = format!("{task}.{which}");
        if joined[which] {
            process.leave(Scope::Room(&room));
        } else {
            process.join(Scope::Room(&room)).await.unwrap();
        }
        joined[which] = !joined[which];
        steps += 1;
        if !pause.is_zero() {
            sleep(pause).await;
        }
    }
    let joined = joined.iter().enumerate().filter(|(_, joined)| **joined);
    joined.map(|(which, _)| format!("jstack:post/chat:room:{task}.{which}")).collect()
}
