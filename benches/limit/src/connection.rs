//! One connection from its first byte to its last.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bench_chat::Message;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

use crate::frame::{self, Taken};
use crate::http;
use crate::hub::{Hub, Room, Writer};

/// What one read may bring at most.
const READ: usize = 64 * 1024;

pub(crate) async fn serve(hub: Rc<Hub>, stream: TcpStream) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let (mut reader, mut writer) = stream.into_split();
    // Boxed: what reading a head needs must not live on in the idle connection.
    let upgrade = Box::pin(http::until_upgrade(&mut reader, &mut writer)).await;
    let Ok(Some(upgrade)) = upgrade else { return };
    let room = hub.room(&upgrade.room);
    drop(upgrade.room);
    let writer = Writer::new(writer);
    room.join(writer.clone());
    Connection { hub: &hub, room: &room, writer: &writer, reader, partial: upgrade.rest }
        .run()
        .await;
    room.leave(&writer);
}

struct Connection<'a> {
    hub: &'a Hub,
    room: &'a Room,
    writer: &'a Rc<Writer>,
    reader: OwnedReadHalf,
    /// The beginning of a frame whose end has not come yet.
    partial: Vec<u8>,
}

impl Connection<'_> {
    async fn run(&mut self) {
        while let Ok(true) = poll_fn(|cx| self.poll_turn(cx)).await {}
    }

    /// Reads once and handles all of it; false at the end of the connection.
    ///
    /// `poll_read` knows that a short read has emptied the socket; `readable` and `try_read` would
    /// pay for a second `recv` that only says so.
    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut input = self.hub.input.borrow_mut();
        let kept = self.partial.len();
        if input.len() < kept + READ {
            input.resize(kept + READ, 0);
        }
        let mut buffer = ReadBuf::new(&mut input[kept..]);
        ready!(Pin::new(&mut self.reader).poll_read(cx, &mut buffer))?;
        let read = buffer.filled().len();
        if read == 0 {
            return Poll::Ready(Ok(false));
        }
        input[..kept].copy_from_slice(&self.partial);
        let alive = self.handle(&mut input[..kept + read]);
        self.hub.end_of_read();
        Poll::Ready(Ok(alive))
    }

    fn handle(&mut self, mut bytes: &mut [u8]) -> bool {
        loop {
            match frame::take(bytes) {
                Taken::Frame { opcode, payload, used } => {
                    if !self.frame(opcode, payload) {
                        return false;
                    }
                    bytes = &mut bytes[used..];
                }
                Taken::Incomplete => break,
                Taken::Refused => return false,
            }
        }
        // A new one each time: an idle connection has no buffer.
        self.partial = bytes.to_vec();
        true
    }

    fn frame(&self, opcode: u8, payload: &[u8]) -> bool {
        match opcode {
            frame::TEXT => match str::from_utf8(payload) {
                Ok(text) => self.text(text),
                Err(_) => return false,
            },
            frame::PING => self.hub.send(self.writer, &frame::pong(payload)),
            frame::PONG => {}
            _ => return false,
        }
        true
    }

    fn text(&self, text: &str) {
        let Some(message) = Message::decode(text) else { return };
        let mut frame = self.hub.frame.borrow_mut();
        if message.encode(frame.begin()).is_err() {
            return;
        }
        frame.finish();
        self.hub.broadcast(self.room, frame.bytes());
        if let Some(link) = self.hub.link.get() {
            link.publish(self.hub, &self.room.name, frame.payload());
        }
    }
}
