//! What the tests of whole servers share: an application with a chat, and a client that can do
//! everything wrong.

pub mod app;
pub mod client;
pub mod server;

pub use client::{Client, Frame};
pub use server::Server;
