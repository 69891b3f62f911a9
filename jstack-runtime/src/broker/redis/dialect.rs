//! Which commands a kind of Redis is spoken to in: those of a stand-alone server here, those of a
//! cluster in `cluster/dialect.rs`. `subscribe/dialect.rs` adds what a listening connection needs.

use ::redis::RedisError;

/// The commands of a kind of Redis, and what its errors mean.
pub(crate) trait Dialect: Clone + Send + Sync + 'static {
    const PUBLISH: &'static str;
    /// The publishing connection is kept while nothing is published.
    const PUBLISHES_IDLE: bool;

    /// Whether the error is a redirect: the request should be retried once the route is updated.
    /// Records the new location.
    fn note_redirect(&self, error: &RedisError) -> bool;

    /// Reports that the connection to a server failed, or that none can be made.
    fn connection_lost(&self);
}

/// One server, or the master that the Sentinels name.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plain;

impl Dialect for Plain {
    const PUBLISH: &'static str = "PUBLISH";
    const PUBLISHES_IDLE: bool = true;

    fn note_redirect(&self, _: &RedisError) -> bool {
        false
    }

    fn connection_lost(&self) {}
}
