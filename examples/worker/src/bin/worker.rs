//! Works on one job, and reports its progress to all who watch it, whichever server they are on.

use jstack_runtime::{BoxError, Emitter};
use worker::{jobs, room};

#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    let job = std::env::args().nth(1).ok_or("say which job: `worker 42`")?.parse()?;
    let redis = std::env::var("REDIS_URL").map_err(|_| "`REDIS_URL` is not set")?;
    let io = Emitter::connect(&redis).await?.io::<jobs::Procedure>("post/jobs");
    for percent in [0, 50, 100] {
        // Here it would do its work.
        io.to(room(job)).progress(&percent).await?;
    }
    Ok(())
}
