//! The outbound queue of one connection, limited in bytes and frames.

mod backlog;
mod chunk;
mod outbound;
mod slots;

pub(super) use backlog::whole_frames;
pub(crate) use chunk::Frame;
pub(crate) use outbound::{Flushed, Outbound};
