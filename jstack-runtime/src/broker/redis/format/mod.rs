//! What travels through Redis. Other programs rely on it: `docs/redis.md` documents it.

pub(crate) mod batch;
pub(crate) mod envelope;
pub(crate) mod names;
pub(crate) mod numbered;
pub(crate) mod sequence;
