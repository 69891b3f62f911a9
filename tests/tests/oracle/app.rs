//! The application, as one of several processes serves it.

use std::time::Duration;

use jstack_runtime::Redis;
use jstack_runtime::prelude::*;
use jstack_tests::server::limits;
use tokio::net::TcpListener;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate, Payload)]
pub struct Say {
    #[garde(skip)]
    pub n: u64,
    #[garde(skip)]
    pub room: String,
    /// Not to its sender.
    #[garde(skip)]
    pub quiet: bool,
}

#[derive(Clone, Debug, Events)]
pub enum ToServer {
    Say(Say),
    Join(String),
    Leave(String),
}

#[derive(Clone, Debug, PartialEq, Events)]
pub enum ToClient {
    /// All rooms of the query are joined.
    Ready(()),
    Said(u64),
    /// Around a leave: the client's place in that room begins again.
    Leaving(String),
    Left(String),
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Rooms {
    /// With `-` between them.
    pub rooms: String,
}

#[procedure(ws, incoming = ToServer, outgoing = ToClient, history(2000, "10m"))]
pub mod talk {
    use axum::extract::Query;

    use super::*;

    #[connect]
    async fn connect(socket: Socket, Query(query): Query<Rooms>) -> Result {
        for room in query.rooms.split('-') {
            socket.join(room).await?;
        }
        socket.emit().ready(&()).await
    }

    #[on(Say)]
    async fn say(io: Io, socket: Socket, say: Say) -> Result {
        let target = io.to(&say.room);
        let target = if say.quiet { target.except(&socket) } else { target };
        target.said(&say.n).await
    }

    #[on(Join)]
    async fn join(socket: Socket, room: String) -> Result {
        socket.join(room).await
    }

    #[on(Leave)]
    async fn leave(socket: Socket, room: String) -> Result {
        socket.emit().leaving(&room).await?;
        socket.leave(&room).await?;
        socket.emit().left(&room).await
    }
}

pub fn app(app: App) -> App {
    app.mount("post", router![talk]).limits(Limits { rate: u32::MAX, ..limits() })
}

pub const URL: &str = "JSTACK_ORACLE_REDIS";
pub const PORT: &str = "JSTACK_ORACLE_PORT";

/// Not a test: one of the processes, which the tests start, stop and kill. Its warnings go to its
/// output, where the test reads of its gaps.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "started by the test that kills it"]
async fn serves_until_killed() {
    let Ok(url) = std::env::var(URL) else { return };
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
        .with_ansi(false)
        .with_writer(std::io::stdout)
        .init();
    let address = format!("127.0.0.1:{}", std::env::var(PORT).unwrap());
    let listener = loop {
        match TcpListener::bind(&address).await {
            Ok(listener) => break listener,
            // The process before it has not quite gone.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    println!("serving");
    let app = app(App::new().broker(Redis::new(&url).unwrap()));
    app.serve_on_until(listener, std::future::pending()).await.unwrap();
}
