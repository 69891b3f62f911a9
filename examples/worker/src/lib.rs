//! A worker that serves nothing and still reaches every socket: `Emitter`, through Redis.
//!
//! ```sh
//! REDIS_URL=redis://127.0.0.1:6379 cargo run -p worker --bin job-server
//! REDIS_URL=redis://127.0.0.1:6379 cargo run -p worker --bin worker -- 42
//! ```
//!
//! This library is what both know: the events, and the procedure that has them.

use jstack_runtime::prelude::*;

/// The events that clients send.
#[derive(Clone, Debug, Events)]
pub enum ToServer {
    /// Wants to hear of the job with this number.
    Watch(u32),
}

/// The events that clients receive.
#[derive(Clone, Debug, Events)]
pub enum ToClient {
    /// You hear of this job from now on.
    Watching(u32),
    /// How many percent of it are done.
    Progress(u8),
}

#[procedure(ws, incoming = ToServer, outgoing = ToClient)]
pub mod jobs {
    use super::*;

    #[on(Watch)]
    async fn watch(socket: Socket, job: u32) -> Result {
        socket.join(super::room(job)).await?;
        socket.emit().watching(&job).await
    }
}

/// The room of those who watch a job.
pub fn room(job: u32) -> String {
    format!("job {job}")
}
