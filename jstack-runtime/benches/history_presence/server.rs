//! The application that is measured.

use axum::extract::Query;
use jstack_runtime::prelude::*;
use jstack_runtime::{Limits, Redis};
use tokio::net::TcpListener;

use super::process::REDIS;

#[derive(Clone, Debug, Events)]
pub enum Talk {
    Said(String),
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema, Payload)]
pub struct Rooms {
    /// With `-` between them.
    pub rooms: String,
}

#[procedure(ws, incoming = Talk, outgoing = Talk)]
pub mod plain {
    use super::*;

    #[connect]
    async fn connect(socket: Socket, Query(rooms): Query<Rooms>) -> Result {
        for room in rooms.rooms.split('-') {
            socket.join(room).await?;
        }
        Ok(())
    }

    #[on(Said)]
    async fn said(_: String) {}
}

#[procedure(ws, incoming = Talk, outgoing = Talk, history(100, "5m"))]
pub mod history {
    use super::*;

    #[connect]
    async fn connect(socket: Socket, Query(rooms): Query<Rooms>) -> Result {
        for room in rooms.rooms.split('-') {
            socket.join(room).await?;
        }
        Ok(())
    }

    #[on(Said)]
    async fn said(_: String) {}
}

#[procedure(ws, incoming = Talk, outgoing = Talk, presence = u32)]
pub mod presence {
    use super::*;

    #[connect]
    async fn connect(socket: Socket, Query(rooms): Query<Rooms>) -> Result {
        for room in rooms.rooms.split('-') {
            socket.join(room).await?;
        }
        Ok(())
    }

    #[on(Said)]
    async fn said(_: String) {}
}

#[procedure(ws, incoming = Talk, outgoing = Talk, history(100, "5m"), presence = u32)]
pub mod both {
    use super::*;

    #[connect]
    async fn connect(socket: Socket, Query(rooms): Query<Rooms>) -> Result {
        for room in rooms.rooms.split('-') {
            socket.join(room).await?;
        }
        Ok(())
    }

    #[on(Said)]
    async fn said(_: String) {}
}

/// Serves until it is killed.
pub async fn serve(port: u16) {
    let limits = Limits {
        connections: u32::MAX,
        connections_per_ip: u32::MAX,
        joins_per_second: Limits::NONE,
        ..Limits::default()
    };
    let app = App::new().mount("at", router![plain, history, presence, both]).limits(limits);
    let app = match std::env::var(REDIS) {
        Ok(url) => app.broker(Redis::new(&url).unwrap()),
        Err(_) => app,
    };
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    app.serve_on_until(listener, std::future::pending()).await.unwrap();
}
