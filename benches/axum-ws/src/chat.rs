//! Rooms as broadcast channels, and the two ways to serve a connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Error;
use axum::extract::ws::{Message as Frame, Utf8Bytes, WebSocket};
use bench_chat::Message;
use futures_util::{Sink, SinkExt as _, StreamExt as _};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver, Sender};

/// What a slow member may be behind before it misses messages.
const CAPACITY: usize = 1024;

pub(crate) type Room = Sender<Utf8Bytes>;

#[derive(Clone, Default)]
pub(crate) struct Rooms(Arc<Mutex<HashMap<String, Room>>>);

impl Rooms {
    pub(crate) fn get(&self, name: &str) -> Room {
        let mut rooms = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.entry(name.to_owned()).or_insert_with(|| broadcast::channel(CAPACITY).0).clone()
    }
}

/// Decodes, checks, encodes again, and publishes to the room.
fn speak(room: &Room, text: &str) {
    let Some(message) = Message::decode(text) else { return };
    let mut json = Vec::with_capacity(text.len());
    if message.encode(&mut json).is_ok()
        && let Ok(text) = Utf8Bytes::try_from(json)
    {
        // An error says that nobody is left to hear it.
        let _ = room.send(text);
    }
}

/// Sends what was heard and all that waits behind it; `None` when the connection is over.
async fn forward(
    sink: &mut (impl Sink<Frame, Error = Error> + Unpin),
    heard: Result<Utf8Bytes, RecvError>,
    messages: &mut Receiver<Utf8Bytes>,
) -> Option<()> {
    let mut next = match heard {
        Ok(text) => Some(text),
        Err(RecvError::Lagged(_)) => None,
        Err(RecvError::Closed) => return None,
    };
    while let Some(text) = next {
        sink.feed(Frame::Text(text)).await.ok()?;
        next = messages.try_recv().ok();
    }
    sink.flush().await.ok()
}

pub(crate) async fn in_two_tasks(socket: WebSocket, room: Room) {
    let mut messages = room.subscribe();
    let (mut sink, mut frames) = socket.split();
    let writer = tokio::spawn(async move {
        loop {
            let heard = messages.recv().await;
            if forward(&mut sink, heard, &mut messages).await.is_none() {
                return;
            }
        }
    });
    while let Some(Ok(frame)) = frames.next().await {
        match frame {
            Frame::Text(text) => speak(&room, &text),
            Frame::Close(_) => break,
            Frame::Binary(_) | Frame::Ping(_) | Frame::Pong(_) => {}
        }
    }
    writer.abort();
}

pub(crate) async fn in_one_task(mut socket: WebSocket, room: Room) {
    let mut messages = room.subscribe();
    loop {
        tokio::select! {
            frame = socket.recv() => match frame {
                Some(Ok(Frame::Text(text))) => speak(&room, &text),
                Some(Ok(Frame::Binary(_) | Frame::Ping(_) | Frame::Pong(_))) => {}
                Some(Ok(Frame::Close(_)) | Err(_)) | None => return,
            },
            heard = messages.recv() => {
                if forward(&mut socket, heard, &mut messages).await.is_none() {
                    return;
                }
            }
        }
    }
}
