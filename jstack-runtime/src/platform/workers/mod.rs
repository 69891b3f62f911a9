//! A WebAssembly module in Cloudflare's JavaScript runtime.

pub(crate) mod bindings;
pub(crate) mod glue;
mod machine;
mod tasks;

pub(crate) use glue::write_line;
pub(crate) use machine::{
    HashMap, HashSet, Instant, RandomState, Sleep, poll_proceed, random, sleep, timeout,
    unconstrained, unix_millis,
};
pub(crate) use tasks::{spawn, within};
