//! What travels between processes. Other programs rely on it: `docs/redis.md` documents it.

pub(crate) mod batch;
pub(crate) mod envelope;
pub(crate) mod names;
#[cfg(feature = "redis")]
pub(crate) mod numbered;
pub(crate) mod sequence;
pub(crate) mod text;
