//! `Emitter`: emitting without a server.

use std::sync::Arc;

use crate::broker::{Broker, Redis};
use crate::config::Limits;
use crate::error::{BoxError, Result};
use crate::procedure::Ws;
use crate::rooms::{Hub, Process};
use crate::ws::Io;

/// Emits to the connections of procedures from a program that serves none: a worker, a cron job,
/// a test. It holds one connection to Redis.
///
/// ```no_run
/// # use jstack_runtime::prelude::*;
/// # use jstack_runtime::Emitter;
/// # #[derive(Clone, Debug, Events)]
/// # pub enum Chat { Message(String) }
/// # #[procedure(ws, incoming = Chat, outgoing = Chat)]
/// # pub mod chat {
/// #     use super::*;
/// #     #[on(Message)]
/// #     async fn message(io: Io, text: String) -> Result { io.to("general").message(&text).await }
/// # }
/// # async fn example() -> Result<(), BoxError> {
/// let emitter = Emitter::connect("redis://127.0.0.1:6379").await?;
/// let io = emitter.io::<chat::Procedure>("post/chat"); // as in /api/post/chat
/// io.to("general").message(&"from a worker".to_owned()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Emitter {
    process: Arc<Process>,
    shown: Arc<str>,
}

impl Emitter {
    /// Connects to the Redis at `url` (see [`Redis::new`]), with the prefix `jstack`.
    ///
    /// Fails if the address cannot be read, and if Redis cannot be reached within two seconds.
    pub async fn connect(url: &str) -> Result<Self, BoxError> {
        Ok(Self::new(Redis::connect(url).await?))
    }

    /// Emits through `redis`, which may have another prefix or deadline. It connects with the
    /// first emit.
    pub fn new(redis: Redis) -> Self {
        let shown = redis.describe().into();
        let process = Process::new();
        process.configure(Arc::new(redis), Limits::default());
        Self { process: Arc::new(process), shown }
    }

    /// Emits to the procedure whose marker is `P`, which servers have at `path`: the router's
    /// name and the procedure's, as `post/chat` for `/api/post/chat`.
    pub fn io<P: Ws>(&self, path: &str) -> Io<P> {
        let hub = Hub::new(self.process.clone());
        hub.name(path.trim_matches('/'));
        Io::new(hub)
    }
}

impl std::fmt::Debug for Emitter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emitter").field("redis", &self.shown).finish_non_exhaustive()
    }
}
