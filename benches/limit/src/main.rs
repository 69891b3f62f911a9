//! What the others are measured against: the least that a tokio server can do and still be this
//! chat.
//!
//! One thread, no locks, rooms as lists, one shared read buffer, each message decoded, checked and
//! encoded once. What a scheduler turn has to say is gathered: a message is appended to the output
//! of every member, and the flusher, which runs after the readers of the same turn, writes once
//! for each connection. No limits, no slow-reader protection, no fragments, no deadlines: this
//! is a ruler, not a server to run.

mod connection;
mod frame;
mod http;
mod hub;
mod redis;
mod resp;

use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use clap::Parser;
use tokio::net::TcpListener;
use tokio::task::{LocalSet, spawn_local};

use crate::hub::Hub;

#[derive(Parser)]
struct Args {
    /// The port on 127.0.0.1 to listen on.
    #[arg(long)]
    port: u16,
    /// Be one of several processes joined by this Redis.
    #[arg(long, value_name = "HOST:PORT")]
    redis: Option<SocketAddr>,
}

fn main() -> std::io::Result<()> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    LocalSet::new().block_on(&runtime, serve(&args))
}

async fn serve(args: &Args) -> std::io::Result<()> {
    let hub = Rc::new(Hub::default());
    if let Some(address) = args.redis {
        redis::join(&hub, address).await?;
    }
    spawn_local(hub.clone().flusher());
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        spawn_local(connection::serve(hub.clone(), stream));
    }
}
