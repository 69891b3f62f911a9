//! Request heads: the small GET, and the upgrade that ends HTTP.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use sha1::{Digest, Sha1};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// RFC 6455, 1.3.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A connection that is a WebSocket from here on.
pub(crate) struct Upgrade {
    pub(crate) room: String,
    /// What the client sent after its request.
    pub(crate) rest: Vec<u8>,
}

/// Answers requests until one upgrades; `None` when the client leaves first.
pub(crate) async fn until_upgrade(
    reader: &mut OwnedReadHalf,
    writer: &mut OwnedWriteHalf,
) -> io::Result<Option<Upgrade>> {
    let mut bytes = Vec::with_capacity(512);
    loop {
        while let Some(end) = memmem::find(&bytes, b"\r\n\r\n") {
            let head = str::from_utf8(&bytes[..end]).map_err(io::Error::other)?;
            if let Some(key) = header(head, "sec-websocket-key") {
                writer.write_all(switching(key).as_bytes()).await?;
                let room = bench_chat::room(query(head)).to_owned();
                return Ok(Some(Upgrade { room, rest: bytes[end + 4..].to_vec() }));
            }
            writer.write_all(small()?.as_bytes()).await?;
            bytes.drain(..end + 4);
        }
        if reader.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn query(head: &str) -> &str {
    let target = head.split(' ').nth(1).unwrap_or_default();
    target.split_once('?').map_or("", |(_, query)| query)
}

fn switching(key: &str) -> String {
    let accept = STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
         sec-websocket-accept: {accept}\r\n\r\n"
    )
}

fn small() -> io::Result<String> {
    let body = serde_json::to_string(&bench_chat::SMALL)?;
    Ok(format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
}
