//! Cloudflare Workers: what JavaScript calls, and what an application asks its surroundings for.

mod exports;
mod log;
mod program;
mod request;
mod response;
mod surroundings;

pub(crate) use program::note;
pub use surroundings::{context, env};
