//! One connection's outbound queue, limited in bytes and frames.

mod chunk;
mod outbound;
mod slots;

pub(crate) use chunk::Frame;
pub(super) use outbound::whole_frames;
pub(crate) use outbound::{Flushed, Outbound};
