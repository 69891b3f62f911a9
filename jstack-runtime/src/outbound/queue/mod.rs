//! One connection's outbound queue, limited in bytes and frames.

mod outbound;

pub(super) use outbound::whole_frames;
pub(crate) use outbound::{Flushed, Frame, Outbound, Pushed, QueueLimits};
