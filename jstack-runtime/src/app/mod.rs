//! `App`: building, starting and serving an application, and the boundary around its procedures.

mod admin;
mod boundary;
mod build;
mod builder;
#[cfg(not(target_family = "wasm"))]
mod call;
mod catalog;
#[cfg(not(target_family = "wasm"))]
mod cli;
mod configure;
#[cfg(target_family = "wasm")]
pub(crate) mod hand_over;
#[cfg(not(target_family = "wasm"))]
mod remote;
#[cfg(not(target_family = "wasm"))]
mod serve;
pub(crate) mod settings;
#[cfg(feature = "client")]
mod test;
#[cfg(not(target_family = "wasm"))]
mod without_state;
#[cfg(not(target_family = "wasm"))]
mod wrangler;

#[cfg(target_family = "wasm")]
pub(crate) use build::Built;
pub use builder::App;
#[cfg(feature = "client")]
pub use test::TestServer;
#[cfg(not(target_family = "wasm"))]
pub use without_state::WithoutState;
