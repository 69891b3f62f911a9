//! Several processes as one: two connections to Redis, a channel for each room with members here.

use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::task::spawn_local;

use crate::frame::TextFrame;
use crate::hub::{Hub, Writer};
use crate::resp::{self, Push};

/// The two connections; their output goes through the flusher like everybody's.
pub(crate) struct Link {
    publisher: Rc<Writer>,
    subscriber: Rc<Writer>,
    /// In front of every published message: our own come back to us and are skipped.
    origin: [u8; 4],
}

impl Link {
    pub(crate) fn subscribe(&self, hub: &Hub, room: &str) {
        hub.send(&self.subscriber, &resp::command(&[b"SUBSCRIBE", room.as_bytes()]));
        hub.end_of_read();
    }

    pub(crate) fn publish(&self, hub: &Hub, room: &str, payload: &[u8]) {
        let body = [&self.origin, payload].concat();
        hub.send(&self.publisher, &resp::command(&[b"PUBLISH", room.as_bytes(), &body]));
    }
}

/// Connects the hub to the other processes.
pub(crate) async fn join(hub: &Rc<Hub>, address: SocketAddr) -> io::Result<()> {
    let (replies, publisher) = connect(address).await?;
    let (pushes, subscriber) = connect(address).await?;
    let origin = std::process::id().to_be_bytes();
    let _ = hub.link.set(Link { publisher, subscriber, origin });
    spawn_local(discard(replies));
    spawn_local(receive(hub.clone(), pushes, origin));
    Ok(())
}

async fn connect(address: SocketAddr) -> io::Result<(OwnedReadHalf, Rc<Writer>)> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (reader, writer) = stream.into_split();
    Ok((reader, Writer::new(writer)))
}

/// How many heard a message is of no interest.
async fn discard(mut replies: OwnedReadHalf) {
    let mut buffer = vec![0; 16 * 1024];
    while matches!(replies.read(&mut buffer).await, Ok(1..)) {}
}

async fn receive(hub: Rc<Hub>, mut pushes: OwnedReadHalf, origin: [u8; 4]) {
    let mut bytes = Vec::with_capacity(64 * 1024);
    let mut frame = TextFrame::default();
    while matches!(pushes.read_buf(&mut bytes).await, Ok(1..)) {
        let mut used = 0;
        while let Some((push, length)) = resp::push(&bytes[used..]) {
            deliver(&hub, &push, origin, &mut frame);
            used += length;
        }
        bytes.drain(..used);
        bytes.reserve(16 * 1024);
        hub.end_of_read();
    }
}

fn deliver(hub: &Hub, push: &Push<'_>, origin: [u8; 4], frame: &mut TextFrame) {
    let Push::Message { channel, body } = push else { return };
    let Some((from, payload)) = body.split_first_chunk::<4>() else { return };
    if *from == origin {
        return;
    }
    if let Some(room) = hub.known(channel) {
        frame.begin().extend_from_slice(payload);
        frame.finish();
        hub.broadcast(&room, frame.bytes());
    }
}
