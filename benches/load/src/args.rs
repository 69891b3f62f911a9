//! The command line.

use std::net::SocketAddrV4;

use clap::{Parser, ValueEnum};

/// Loads a chat server and prints what came of it as JSON.
#[derive(Clone, Debug, Parser)]
pub(crate) struct Args {
    pub(crate) kind: Kind,
    /// Where the server listens; with two, connection 0 goes to the first, all others to the
    /// second.
    #[arg(long, value_delimiter = ',', required = true)]
    pub(crate) address: Vec<SocketAddrV4>,
    /// The target of each request; `{room}` in it becomes the room's name.
    #[arg(long)]
    pub(crate) path: String,
    #[arg(long, value_enum, default_value = "raw")]
    pub(crate) dialect: Dialect,
    #[arg(long, default_value_t = 1)]
    pub(crate) connections: usize,
    #[arg(long, default_value_t = 1)]
    pub(crate) rooms: usize,
    /// Who sends, and when the next message is due.
    #[arg(long, value_enum, default_value = "each")]
    pub(crate) publish: Publish,
    /// Messages in flight for each publisher.
    #[arg(long, default_value_t = 1)]
    pub(crate) window: u64,
    /// Bytes of JSON in a frame.
    #[arg(long, default_value_t = 100)]
    pub(crate) payload: usize,
    /// Members of room 0 beside the others that stop reading when the warm-up begins.
    #[arg(long, default_value_t = 0)]
    pub(crate) stalled: usize,
    /// Connections beside the others, in a room of their own, of which each keeps eight messages in
    /// flight all the time.
    #[arg(long, default_value_t = 0)]
    pub(crate) flood: usize,
    /// Messages a second of all connections together, sent on time whatever comes back: an open loop.
    /// Latency then counts from the moment at which a message was due.
    #[arg(long)]
    pub(crate) rate: Option<f64>,
    #[arg(long, default_value_t = 2.0)]
    pub(crate) secs: f64,
    #[arg(long, default_value_t = 0.8)]
    pub(crate) warmup: f64,
    /// The server's processes.
    #[arg(long, value_delimiter = ',')]
    pub(crate) pid: Vec<i32>,
    /// Processes whose CPU time is listed separately.
    #[arg(long, value_delimiter = ',')]
    pub(crate) helper: Vec<i32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// WebSocket messages.
    Chat,
    /// Connections that join and say nothing.
    Idle,
    /// GET requests on connections that are kept.
    Get,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dialect {
    /// `["message", {…}]` in text frames.
    Raw,
    /// The same inside Engine.IO 4 and Socket.IO 5.
    Socketio,
    /// The same in the profile `v1` of our own protocol.
    V1,
    /// `["check", {…}, {"i": …}]` in the profile `v1`: requests, each with its reply.
    Request,
    /// Every second connection speaks the profile `v1`, the others the base profile.
    Half,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Publish {
    /// Every connection; the next message when the last one has come back to its sender.
    Each,
    /// Connection 0; the next message when all members have the last.
    One,
}

impl Dialect {
    /// Whether a connection offers the profile `v1`.
    pub(crate) fn is_v1(self, index: usize) -> bool {
        match self {
            Self::Raw | Self::Socketio => false,
            Self::V1 | Self::Request => true,
            Self::Half => index % 2 == 1,
        }
    }
}

impl Args {
    /// Two processes: what connection 0 hears is not counted.
    pub(crate) fn across(&self) -> bool {
        self.address.len() > 1
    }

    /// How many deliveries one message makes.
    pub(crate) fn members(&self) -> u64 {
        let members = match self.kind {
            Kind::Chat if self.across() => self.connections - 1,
            Kind::Chat => self.connections / self.rooms,
            Kind::Idle | Kind::Get => 1,
        };
        members as u64
    }
}
