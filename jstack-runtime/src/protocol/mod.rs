//! The protocol: the meaning of text frames, without a socket, a clock or a task.
//!
//! What both sides of a connection need is in `member_view` and `profile`; the rest is the server's.

#[cfg(feature = "server")]
pub(crate) mod close;
#[cfg(feature = "server")]
pub(crate) mod codec;
#[cfg(feature = "server")]
pub(crate) mod control;
#[cfg(feature = "server")]
pub(crate) mod frames;
#[cfg(feature = "server")]
pub(crate) mod mailbox;
pub(crate) mod member_view;
#[cfg(feature = "server")]
pub(crate) mod presence;
pub(crate) mod profile;
#[cfg(feature = "server")]
pub(crate) mod session;
