//! Echoes text and binary messages as they come, at `/`: what a conformance suite is run against.
//!
//! `cargo run -p echo -- 9001`, or with `--features deflate` for permessage-deflate.

use axum::extract::{Request, State};
use axum::response::Response;
use jstack_runtime::raw::Sockets;
use jstack_runtime::{BoxError, Limits};

async fn echo(State(sockets): State<Sockets>, request: Request) -> Response {
    sockets
        .upgrade(request, async |mut socket| {
            while let Some(message) = socket.recv().await {
                socket.send(&message);
            }
        })
        .await
}

#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    let port = match std::env::args().nth(1) {
        Some(port) => port.parse::<u16>().map_err(|_| format!("`{port}` is not a port"))?,
        None => 9001,
    };
    // Conformance suites send what no chat would: 16 MiB at once, in tiny fragments.
    let limits = Limits {
        message_bytes: u32::MAX,
        rate: u32::MAX,
        queue_bytes: u32::MAX,
        queue_frames: u32::MAX,
        ..Limits::default()
    };
    let sockets = Sockets::new(limits).any_number_of_fragments();
    let app = axum::Router::new().route("/", axum::routing::any(echo)).with_state(sockets);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("echo on ws://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
