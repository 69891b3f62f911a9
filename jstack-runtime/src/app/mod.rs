//! `App`: what an application is made of, how it starts, and what surrounds its procedures.

mod boundary;
mod builder;
#[cfg_attr(test, allow(unreachable_pub, reason = "the tests of the contract use it"))]
pub(crate) mod cli;
#[cfg(not(target_family = "wasm"))]
mod serve;
pub(crate) mod settings;
#[cfg(feature = "client")]
mod test;

pub use builder::App;
#[cfg(feature = "client")]
pub use test::TestServer;
