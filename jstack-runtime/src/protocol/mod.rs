//! The protocol: the meaning of text frames, without a socket, a clock or a task.

pub(crate) mod close;
pub(crate) mod codec;
pub(crate) mod control;
pub(crate) mod frames;
pub(crate) mod mailbox;
pub(crate) mod presence;
pub(crate) mod profile;
pub(crate) mod session;
