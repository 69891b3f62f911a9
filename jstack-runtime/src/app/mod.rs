//! `App`: what an application is made of, how it starts, and what surrounds its procedures.

#[cfg(not(target_family = "wasm"))]
mod admin;
mod boundary;
mod builder;
#[cfg(not(target_family = "wasm"))]
mod call;
#[cfg(not(target_family = "wasm"))]
mod catalog;
#[cfg_attr(test, allow(unreachable_pub, reason = "the tests of the contract use it"))]
pub(crate) mod cli;
#[cfg(not(target_family = "wasm"))]
mod remote;
#[cfg(not(target_family = "wasm"))]
mod serve;
pub(crate) mod settings;
#[cfg(feature = "client")]
mod test;

pub use builder::App;
#[cfg(feature = "client")]
pub use test::TestServer;
