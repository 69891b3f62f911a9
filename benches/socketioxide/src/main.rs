//! The chat on socketioxide behind axum: join the room that the handshake names, check each
//! message, emit it to its room, the sender included.

use std::error::Error;
use std::net::Ipv4Addr;

use axum::routing::get;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use bench_chat::{SMALL, Small};
use clap::Parser;
use serde::{Deserialize, Serialize};
use socketioxide::SocketIo;
use socketioxide::adapter::Adapter;
use socketioxide::extract::{Data, SocketRef};
use socketioxide_redis::{RedisAdapter, RedisAdapterCtr};
use tokio::net::TcpListener;

#[derive(Parser)]
struct Args {
    /// The port on 127.0.0.1 to listen on.
    #[arg(long)]
    port: u16,
    /// Threads of the runtime.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Packets that may wait for one socket. The library's own 128 loses messages in these
    /// scenarios: what does not fit is dropped.
    #[arg(long, default_value_t = 4096)]
    buffer: usize,
    /// Be one of several processes joined by this Redis.
    #[arg(long, value_name = "HOST:PORT")]
    redis: Option<String>,
}

/// Owned, as socketioxide's extractor asks for.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chat {
    room_id: String,
    message: String,
    author: String,
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
    let small = get(async || -> Json<Small> { Json(SMALL) });
    let app = Router::new().route("/small", small);
    let builder = SocketIo::builder().max_buffer_size(args.buffer);
    let app = if let Some(address) = &args.redis {
        let client = redis::Client::open(format!("redis://{address}?protocol=resp3"))?;
        let adapter = RedisAdapterCtr::new_with_redis(&client).await?;
        let (layer, io) = builder.with_adapter::<RedisAdapter<_>>(adapter).build_layer();
        io.ns("/", connect).await?;
        app.layer(layer)
    } else {
        let (layer, io) = builder.build_layer();
        io.ns("/", connect);
        app.layer(layer)
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, args.port)).await?;
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, app).await?)
}

async fn connect<A: Adapter>(socket: SocketRef<A>) {
    let query = socket.req_parts().uri.query().unwrap_or_default();
    socket.join(bench_chat::room(query).to_owned());
    socket.on("message", message);
}

async fn message<A: Adapter>(socket: SocketRef<A>, Data(message): Data<Chat>) {
    let _ = socket.within(message.room_id.clone()).emit("message", &message).await;
}
