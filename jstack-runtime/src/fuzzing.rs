//! What fuzz targets and benchmarks reach of the inside. Not part of the API: it may change with
//! any release.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};

use crate::error::Result;
use crate::events::{Event, Events};
use crate::events::{EventPublisher as _, Target, To};
use crate::frame;
use crate::http::Origins;
pub use crate::http::superjson::superjson;
use crate::limits::Limits;
use crate::payload::EventPayload;
use crate::protocol::profile::Profile;
use crate::rooms::{Hub, JoinOptions, Member, Node};

/// Decodes bytes as they come from Redis; hands over the JSON texts that clients would get.
#[cfg(feature = "redis")]
pub fn envelopes(bytes: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    let messages = crate::broker::format::batch::decode(bytes).ok()?;
    Some(messages.map(|envelope| envelope.json))
}

/// Writes a value as JSON, as payloads and answers are written.
///
/// Fails as `serde_json` does.
pub fn json<T: serde::Serialize + ?Sized>(value: &T) -> serde_json::Result<Vec<u8>> {
    let mut out = Vec::new();
    crate::payload::write_json(value, &mut out)?;
    Ok(out)
}

/// Reads a value as payloads are read; `None` for what is left to `serde_json`.
pub fn read_json<'de, T: serde::Deserialize<'de>>(text: &'de str) -> Option<T> {
    crate::payload::read_json(text)
}

/// One connection's decoder and its limits.
#[derive(Debug)]
pub struct FrameStream {
    decoder: frame::Decoder,
    limits: frame::DecoderConfig,
}

/// A message as the connection sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameMessage<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
    /// A ping's payload.
    Ping(&'a [u8]),
    /// A pong's payload.
    Pong(&'a [u8]),
    /// Code and reason of a close frame, if it has them.
    Close(Option<(u16, &'a str)>),
}

impl FrameStream {
    /// A stream at its start.
    pub fn new(max_message: usize, max_fragments: u32, deflate: bool) -> Self {
        Self {
            decoder: frame::Decoder::new(deflate),
            limits: frame::DecoderConfig { max_message, max_fragments },
        }
    }

    /// Feeds bytes as they came from the network and hands over each message in them.
    ///
    /// Fails with the close code the connection would end with; it must not be fed again then, nor
    /// after a close frame.
    pub fn feed(
        &mut self,
        mut input: &mut [u8],
        mut on_message: impl FnMut(FrameMessage<'_>),
    ) -> Result<(), u16> {
        loop {
            let step = self.decoder.decode(input, &self.limits).map_err(|error| error.code)?;
            let consumed = step.consumed;
            let Some(message) = step.message else { return Ok(()) };
            let message = match message {
                frame::Message::Text(text) => FrameMessage::Text(text),
                frame::Message::Binary(bytes) => FrameMessage::Binary(bytes),
                frame::Message::Ping(bytes) => FrameMessage::Ping(bytes),
                frame::Message::Pong(bytes) => FrameMessage::Pong(bytes),
                frame::Message::Close(close) => {
                    on_message(FrameMessage::Close(close.map(|close| (close.code, close.reason))));
                    return Ok(());
                }
            };
            on_message(message);
            input = &mut input[consumed..];
        }
    }
}

/// Reads a client's text as a frame of the set `E`: the event's name, `Some("")` for a ping.
pub fn event<E: Events>(text: &str, depth: u32) -> Option<&'static str> {
    crate::protocol::codec::fuzz::<E>(text, depth)
}

/// Writes what an emit hands to the broker: the event's JSON, in a frame, in a buffer that is used
/// again.
///
/// Fails if the payload breaks its rules.
pub fn text_frame<T: EventPayload, E>(
    event: &Event<T, E>,
    payload: &T,
    buffer: &mut Vec<u8>,
) -> Result<usize> {
    buffer.clear();
    buffer.resize(frame::HEADROOM, 0);
    event.encode(payload, buffer)?;
    Ok(frame::write_header(buffer, frame::Opcode::Text, false))
}

/// Unmasks a client's payload in place.
pub fn unmask(payload: &mut [u8], key: [u8; 4]) {
    frame::unmask(payload, key, 0);
}

/// A room whose members have no network: what is published stays in their queues.
pub struct FanOut {
    hub: Arc<Hub>,
    members: Vec<Arc<Member>>,
    room: String,
}

impl FanOut {
    /// A room of so many. Fails as a join does.
    pub async fn new(members: usize) -> Result<Self> {
        let process = Node::new();
        let limits =
            Limits { queue_frames: Limits::NONE, queue_bytes: Limits::NONE, ..Limits::default() };
        process.configure(Arc::new(crate::broker::Memory::new()), limits);
        let mut this =
            Self { hub: Hub::new(Arc::new(process)), members: Vec::new(), room: "room".to_owned() };
        for _ in 0..members {
            let member = this.hub.enter(None, Profile::Base).await?;
            this.hub.join(&member, &this.room, JoinOptions::default()).await?;
            member.out().attach_task();
            this.members.push(member);
        }
        Ok(this)
    }

    /// Publishes a text `["event",data]` to the room, from a buffer that is used again, as an
    /// emit does.
    pub async fn publish(&self, json: &[u8], buffer: &mut Vec<u8>) -> Result {
        let target = Target::new(&*self.hub, To::Room((&*self.room).into()));
        buffer.clear();
        buffer.resize(frame::HEADROOM, 0);
        buffer.extend_from_slice(json);
        self.hub.publish(&target, buffer).await
    }

    /// Empties the queues and returns how many bytes were in them.
    pub async fn drain(&self) -> usize {
        let mut bytes = 0;
        for member in self.members.iter().filter(|member| !member.out().is_empty()) {
            bytes += member.out().drain().await.len();
        }
        bytes
    }
}

impl std::fmt::Debug for FanOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FanOut").field("members", &self.members.len()).finish_non_exhaustive()
    }
}

/// Whether a text is a room's name.
pub fn room(name: &str) -> bool {
    crate::rooms::check_name(name).is_ok()
}

/// What becomes of an upgrade's head, which is a list of lines `name: value`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// The handshake is one.
    pub handshake: bool,
    /// The origin is allowed, or there is none and need not be.
    pub origin: bool,
    /// The client behind the trusted proxy 10.0.0.1.
    pub client: std::net::IpAddr,
}

/// Judges an upgrade's head.
pub fn upgrade(lines: &[u8], http2: bool, origins: &Origins) -> Judged {
    let mut headers = HeaderMap::new();
    for line in lines.split(|byte| *byte == b'\n').take(100) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        let name = HeaderName::from_bytes(name);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    let (method, version) =
        if http2 { (Method::CONNECT, Version::HTTP_2) } else { (Method::GET, Version::HTTP_11) };
    let protocol = http2.then_some("websocket");
    let accepted = frame::handshake::check(&method, version, &headers, protocol, true);
    let uri = Uri::from_static("/api/post/chat");
    let decision = origins.check_upgrade(&headers, &uri, false);
    let proxies = crate::net::Proxies::list(["10.0.0.1"]);
    Judged {
        handshake: accepted.is_ok(),
        origin: !matches!(decision, crate::http::origin::Decision::Refused(_)),
        client: proxies.client([10, 0, 0, 1].into(), &headers).address,
    }
}
