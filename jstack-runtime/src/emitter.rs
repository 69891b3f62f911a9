//! `Emitter`: emitting without a server.

use std::sync::Arc;

use crate::app::settings::{self, Environment};
use crate::broker::{Broker, Redis};
use crate::error::{BoxError, Result};
use crate::limits::Limits;
use crate::markers::SocketProcedure;
use crate::observe;
use crate::procedure::{keep_of, outgoing_classes};
use crate::rooms::{Hub, Node};
use crate::ws::Io;

/// Emits to the connections of procedures from a program without a server: a worker, a cron job,
/// a test.
///
/// It has one connection to Redis and is a cheap clone.
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
/// io.to("general").message("from a worker").await?;
/// # Ok(())
/// # }
/// # fn main() {}
/// ```
#[derive(Clone)]
pub struct Emitter {
    node: Arc<Node>,
    redis: Arc<Redis>,
}

impl Emitter {
    /// Connects to the Redis at `url` (see [`Redis::new`]).
    ///
    /// It uses the application name of the environment (`JSTACK_REDIS_PREFIX`, else `JSTACK_NAME`, else
    /// `jstack`), exactly like a server in the same environment that does not call
    /// [`App::name`](crate::App::name). A problem that [`check`](Self::check) finds is logged as a warning.
    ///
    /// Fails if the address cannot be read, and if Redis cannot be reached within two seconds.
    ///
    /// ```no_run
    /// # use jstack_runtime::Emitter;
    /// # async fn example() -> Result<(), jstack_runtime::BoxError> {
    /// let emitter = Emitter::connect("redis://127.0.0.1:6379").await?;
    /// # drop(emitter); Ok(()) }
    /// ```
    pub async fn connect(url: &str) -> Result<Self, BoxError> {
        Self::connected(None, url).await
    }

    /// Like [`connect`](Self::connect), for an application that calls
    /// [`App::name`](crate::App::name) with this name.
    ///
    /// ```no_run
    /// # use jstack_runtime::Emitter;
    /// # async fn example() -> Result<(), jstack_runtime::BoxError> {
    /// let emitter = Emitter::connect_as("shop", "redis://127.0.0.1").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Fails where [`connect`](Self::connect) does, and if the name is empty.
    pub async fn connect_as(name: &str, url: &str) -> Result<Self, BoxError> {
        Self::connected(Some(name), url).await
    }

    async fn connected(name: Option<&str>, url: &str) -> Result<Self, BoxError> {
        let mut redis = Redis::new(url)?;
        redis.set_name(&prefix(name)?);
        redis.ready().await.map_err(|error| crate::broker::redis::reason(&error))?;
        let emitter = Self::through(redis);
        if let Err(error) = emitter.check().await {
            observe::warning!("{error}");
        }
        Ok(emitter)
    }

    /// Emits through `redis`, which may have its own prefix, deadline and heartbeat. It connects at
    /// the first emit.
    ///
    /// ```
    /// # use jstack_runtime::{Emitter, Redis};
    /// # fn example() -> Result<(), jstack_runtime::BoxError> {
    /// let emitter = Emitter::new(Redis::new("redis://127.0.0.1")?.prefix("shop"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(mut redis: Redis) -> Self {
        match prefix(None) {
            Ok(prefix) => redis.set_name(&prefix),
            Err(error) => observe::error!(%error, "the environment does not name the application"),
        }
        Self::through(redis)
    }

    fn through(redis: Redis) -> Self {
        let (node, redis) = (Node::new(), Arc::new(redis));
        node.configure(redis.clone(), Limits::default());
        Self { node: Arc::new(node), redis }
    }

    /// Checks that servers listen under this emitter's name. All processes of an application must
    /// use one name, and nothing else reveals a wrong one.
    ///
    /// Fails if servers listen on this Redis but none of them under this emitter's name; the error
    /// lists their names. Passes if nobody listens at all, if Redis does not permit
    /// `PUBSUB CHANNELS` to this user, and on Redis Cluster, where this check is not implemented.
    ///
    /// ```no_run
    /// # use jstack_runtime::Emitter;
    /// # async fn example() -> Result<(), jstack_runtime::BoxError> {
    /// Emitter::connect("redis://127.0.0.1").await?.check().await
    /// # }
    /// ```
    pub async fn check(&self) -> Result<(), BoxError> {
        self.redis.check_name().await.map_err(Into::into)
    }

    /// Returns the [`Io`] of the procedure whose marker is `P`, which servers have at `path`.
    ///
    /// The path is the router's name and the procedure's: `post/chat` for `/api/post/chat`.
    ///
    /// ```
    /// # use jstack_runtime::prelude::*;
    /// # use jstack_runtime::Emitter;
    /// # #[derive(Clone, Debug, Events)]
    /// # pub enum Chat { Message(String) }
    /// # #[procedure(ws, incoming = Chat, outgoing = Chat)]
    /// # pub mod chat {
    /// #     use super::*;
    /// #     #[on(Message)]
    /// #     async fn message(_: String) {}
    /// # }
    /// async fn announce(emitter: &Emitter) -> Result {
    ///     emitter.io::<chat::Procedure>("post/chat").all().message("maintenance at noon").await
    /// }
    /// # fn main() {}
    /// ```
    pub fn io<P: SocketProcedure>(&self, path: &str) -> Io<P> {
        let hub = Hub::new(self.node.clone());
        hub.name(path.trim_matches('/'));
        hub.set_classes(outgoing_classes::<P::Outgoing>());
        if let Some(keep) = keep_of(P::HISTORY) {
            hub.set_keep(keep);
        }
        Io::new(hub)
    }
}

/// The channel prefix that a server with this name would use in this environment.
fn prefix(name: Option<&str>) -> Result<String, BoxError> {
    let environment = Environment::read()?;
    for skipped in environment.skipped() {
        observe::warning!("{skipped}");
    }
    let (name, from) = settings::name(name.map(str::to_owned), &environment)?;
    Ok(settings::prefix((&name, from), &|variable| environment.get(variable)).0)
}

impl std::fmt::Debug for Emitter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Emitter").field("redis", &self.redis.describe()).finish_non_exhaustive()
    }
}
