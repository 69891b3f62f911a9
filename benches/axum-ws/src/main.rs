//! The chat on axum's own `ws`, as a good engineer would write it: a broadcast channel for each room,
//! each message encoded once, and whatever is queued sent with one flush.
//!
//! It has the two settings that matter, a read buffer of 4 KiB and a task for each direction. With
//! `--defaults` it has neither: the library's read buffer of 128 KiB, zeroed before every attempt to
//! read, and one `select!` for both directions.

mod chat;

use std::error::Error;
use std::net::Ipv4Addr;

use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use bench_chat::{SMALL, Small};
use clap::Parser;
use tokio::net::TcpListener;

use crate::chat::Rooms;

#[derive(Parser)]
struct Args {
    /// The port on 127.0.0.1 to listen on.
    #[arg(long)]
    port: u16,
    /// Threads of the runtime.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Leave buffer size and structure as axum's documentation shows them.
    #[arg(long)]
    defaults: bool,
}

#[derive(Clone)]
struct App {
    rooms: Rooms,
    defaults: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(args.workers)
        .enable_all()
        .build()?
        .block_on(serve(&args))
}

async fn serve(args: &Args) -> Result<(), Box<dyn Error>> {
    let app = Router::new()
        .route("/ws", get(upgrade))
        .route("/small", get(async || -> Json<Small> { Json(SMALL) }))
        .with_state(App { rooms: Rooms::default(), defaults: args.defaults });
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await?;
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, app).await?)
}

async fn upgrade(
    upgrade: WebSocketUpgrade,
    RawQuery(query): RawQuery,
    State(app): State<App>,
) -> Response {
    let room = app.rooms.get(bench_chat::room(query.as_deref().unwrap_or_default()));
    if app.defaults {
        upgrade.on_upgrade(|socket| chat::in_one_task(socket, room))
    } else {
        upgrade.read_buffer_size(4096).on_upgrade(|socket| chat::in_two_tasks(socket, room))
    }
}
