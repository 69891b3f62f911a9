//! The protocol: what a text frame means, without a socket, a clock or a task.

pub(crate) mod codec;
