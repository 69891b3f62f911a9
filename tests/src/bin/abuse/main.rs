//! Abuse of a server in a process of its own, beside clients that behave.
//!
//! `abuse soak MINUTES` abuses it at random beside 200 chatting clients and prints a verdict;
//! `abuse figures` prints what each attack does to the others' latency and to the server's memory;
//! `abuse drain CONNECTIONS` ends it with SIGTERM and prints how its connections were closed.
//! Build with `--release`.

#![allow(clippy::expect_used, clippy::panic, reason = "a program for developers")]
#![allow(clippy::cast_precision_loss, clippy::duration_suboptimal_units, reason = "its output")]

mod drain;
mod figures;
mod other;
mod soak;

use std::time::Duration;

use jstack_runtime::{BoxError, Limits};
use jstack_tests::attacks::ATTACKS;
use jstack_tests::{app, server};
use peak_alloc::PeakAlloc;
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// Counts the server's allocations, without the reserve of its allocator.
#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

#[jstack_runtime::main]
async fn main() -> Result<(), BoxError> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve"] => serve(server::limits()).await,
        ["serve", "default"] => serve(Limits::default()).await,
        ["serve", "short"] => {
            let drain_deadline = Duration::from_secs(1);
            let handler_timeout = Duration::from_secs(2);
            serve(Limits { drain_deadline, handler_timeout, ..server::limits() }).await
        }
        ["attack", address, name] => attack(address, name).await,
        ["soak", minutes] => {
            soak::soak(Duration::from_secs_f64(minutes.parse::<f64>()? * 60.0)).await
        }
        ["figures"] => figures::figures().await,
        ["drain", count] => drain::drain(count.parse()?).await,
        _ => Err("usage: abuse soak MINUTES | figures | drain CONNECTIONS".into()),
    }
}

/// The server, in another process. It prints its address, and takes commands as lines: `say …` to
/// everyone, `heap` and `sockets` for a number each.
async fn serve(limits: Limits) -> Result<(), BoxError> {
    let limits = Limits { drain_spread: Duration::from_secs(10), ..limits };
    let (gone, mut reasons) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move { while reasons.recv().await.is_some() {} });
    let application = app::app(limits, gone);
    let io = application.io::<app::ChatProcedure>();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    tokio::spawn(async move {
        let mut lines = BufReader::new(tokio::io::stdin()).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            match line.split_once(' ').unwrap_or((&line, "")) {
                ("say", text) => drop(app::say(&io, text).await),
                ("heap", _) => println!("{}", HEAP.current_usage()),
                ("sockets", _) => println!("{}", io.local_connections()),
                _ => eprintln!("no command: {line}"),
            }
        }
    });
    application.serve_on(listener).await
}

/// One attack over and over, by 16 clients, in another process: what it costs to attack must not
/// slow down those who measure.
async fn attack(address: &str, name: &str) -> Result<(), BoxError> {
    let address = address.parse()?;
    let attack = ATTACKS.into_iter().find(|attack| attack.to_string() == name);
    let attack = attack.ok_or("no such attack")?;
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..16 {
        clients.spawn(async move {
            loop {
                let _ = tokio::time::timeout(Duration::from_secs(8), attack.run(address)).await;
            }
        });
    }
    clients.join_all().await;
    Ok(())
}
