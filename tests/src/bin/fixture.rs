//! The server that the stock client is tested against. `tests/workers` has its procedures, because
//! the same ones are tested on Workers.
//!
//! `fixture [port]` serves on 127.0.0.1 and prints its port once it accepts connections; without
//! a port the system chooses. It ends by its pid, and when its standard input does.

use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use jstack_runtime::prelude::*;

#[path = "../../workers/src/procedures.rs"]
mod procedures;

/// Runs a future beside the others.
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(future);
}

/// A port of the system's choice; nobody else gets it within the next moment.
fn free_port() -> std::io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    let port = match std::env::args().nth(1) {
        Some(port) if port != "0" => port.parse()?,
        _ => free_port()?,
    };
    let mut origins = vec!["same".to_owned(), "https://allowed.example".to_owned()];
    origins.extend(std::env::var("FIXTURE_ORIGIN"));
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    std::thread::spawn(move || {
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            std::thread::yield_now();
        }
        println!("{port}");
    });
    App::new()
        .mount("t", procedures::router())
        .with_state(procedures::Counts::default())
        .limits(Limits { body_bytes: 64 * 1024, ..Limits::default() })
        .origins(Origins::list(origins)?)
        .serve((Ipv4Addr::LOCALHOST, port))
        .await
}
