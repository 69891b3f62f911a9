//! The envelope: a message and its origin, as they travel through Redis. Several of one channel may
//! travel as a batch, see `batch.rs`.
//!
//! Everything in it was written by another program. The decoder rejects what it does not know,
//! checks every length before it reads, and passes on nothing that a client could fail on.
//! `docs/redis.md` documents the format for other programs.

use std::borrow::Cow;

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::broker::Publication;
use crate::error::{Error, Result};
use crate::socket_id::SocketId;

/// The first byte of every envelope of this version.
const VERSION: u8 = 1;
/// The longest JSON text that is published or accepted, in bytes.
const LONGEST_JSON: usize = 16 * 1024 * 1024;
/// The length of version, flags, origin and number.
const HEAD: usize = 18;
const NUMBER_AT: usize = 10;

/// The origin starts to count the channel with this message.
const FIRST: u8 = 1;
const HAS_ONLY: u8 = 1 << 1;
const HAS_EXCEPT: u8 = 1 << 2;
const HAS_EXCEPT_ROOMS: u8 = 1 << 3;

/// A message as it arrived.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Envelope<'a> {
    /// Its origin and number; `None` for a message from another program.
    pub(crate) stamp: Option<Stamp>,
    pub(crate) only: Option<SocketId>,
    pub(crate) except: Vec<SocketId>,
    pub(crate) except_rooms: Vec<Cow<'a, str>>,
    /// `["event",data]`.
    pub(crate) json: &'a [u8],
}

impl<'a> Envelope<'a> {
    fn around(json: &'a [u8]) -> Self {
        Self { stamp: None, only: None, except: Vec::new(), except_rooms: Vec::new(), json }
    }
}

/// The number of a message among those that its origin sent to the channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) origin: u64,
    pub(crate) number: u64,
    pub(crate) first: bool,
}

/// Why bytes are not an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

/// Appends the envelope of `message` from `origin`, still without its number.
pub(crate) fn encode(bytes: &mut Vec<u8>, message: &Publication<'_>, origin: u64) -> Result {
    let json = message.json();
    let (except, rooms) = (message.except, message.except_rooms);
    if json.len() > LONGEST_JSON {
        return Err(Error::payload_too_large(format!(
            "a message may be {LONGEST_JSON} bytes long, this one is {}",
            json.len()
        )));
    }
    let too_many = || Error::internal("a target may leave out 65,535 sockets and as many rooms");
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    bytes.push(VERSION);
    bytes.push(
        flag(message.only.is_some(), HAS_ONLY)
            | flag(!except.is_empty(), HAS_EXCEPT)
            | flag(!rooms.is_empty(), HAS_EXCEPT_ROOMS),
    );
    bytes.extend_from_slice(&origin.to_be_bytes());
    bytes.extend_from_slice(&0_u64.to_be_bytes());
    let socket = |bytes: &mut Vec<u8>, id: SocketId| {
        bytes.extend_from_slice(&id.node.to_be_bytes());
        bytes.extend_from_slice(&id.local.to_be_bytes());
    };
    if let Some(id) = message.only {
        socket(bytes, id);
    }
    if !except.is_empty() {
        let count = u16::try_from(except.len()).map_err(|_| too_many())?;
        bytes.extend_from_slice(&count.to_be_bytes());
        for id in except {
            socket(bytes, *id);
        }
    }
    if !rooms.is_empty() {
        let count = u16::try_from(rooms.len()).map_err(|_| too_many())?;
        bytes.extend_from_slice(&count.to_be_bytes());
        for room in rooms {
            bytes.push(u8::try_from(room.len()).map_err(|_| too_many())?);
            bytes.extend_from_slice(room.as_bytes());
        }
    }
    bytes.extend_from_slice(json);
    Ok(())
}

/// Puts the number into an envelope that [`encode`] wrote.
pub(crate) fn stamp(envelope: &mut [u8], number: u64, first: bool) {
    if let Some(at) = envelope.get_mut(NUMBER_AT..HEAD) {
        at.copy_from_slice(&number.to_be_bytes());
    }
    if first && let Some(flags) = envelope.get_mut(1) {
        *flags |= FIRST;
    }
}

/// Reads one message: an envelope, or the bare text `["event",data]` from another program.
pub(crate) fn decode(bytes: &[u8]) -> Result<Envelope<'_>, Malformed> {
    let envelope = match bytes.first() {
        Some(&VERSION) => decode_head(bytes)?,
        Some(b'[') => Envelope::around(bytes),
        Some(_) => return Err(Malformed("it is of a version that this process does not know")),
        None => return Err(Malformed("it is empty")),
    };
    check_json(envelope.json)?;
    Ok(envelope)
}

/// Reads an envelope. The bytes after its head are assumed to be JSON, and not checked.
pub(crate) fn decode_head(bytes: &[u8]) -> Result<Envelope<'_>, Malformed> {
    let mut rest = Reader(bytes);
    let [version, flags] = rest.array()?;
    if version != VERSION {
        return Err(Malformed("it is not an envelope of version 1"));
    }
    if flags & !(FIRST | HAS_ONLY | HAS_EXCEPT | HAS_EXCEPT_ROOMS) != 0 {
        return Err(Malformed("it has flags that this version does not know"));
    }
    let (origin, number) = (rest.u64()?, rest.u64()?);
    let only = if flags & HAS_ONLY != 0 { Some(rest.socket()?) } else { None };
    let mut envelope = Envelope::around(bytes);
    envelope.stamp = Some(Stamp { origin, number, first: flags & FIRST != 0 });
    envelope.only = only;
    if flags & HAS_EXCEPT != 0 {
        let count = rest.count(16)?;
        envelope.except = (0..count).map(|_| rest.socket()).collect::<Result<_, _>>()?;
    }
    if flags & HAS_EXCEPT_ROOMS != 0 {
        let count = rest.count(1)?;
        envelope.except_rooms = (0..count).map(|_| rest.room()).collect::<Result<_, _>>()?;
    }
    envelope.json = rest.0;
    Ok(envelope)
}

/// Checks the JSON: the stock client throws on anything but `["event",data]`, and reserves some
/// event names.
pub(crate) fn check_json(json: &[u8]) -> Result<(), Malformed> {
    #[derive(Deserialize)]
    struct Frame<'a>(#[serde(borrow)] Cow<'a, str>, #[allow(dead_code)] IgnoredAny);

    if json.len() > LONGEST_JSON {
        return Err(Malformed("its JSON is too long"));
    }
    let text = std::str::from_utf8(json).map_err(|_| Malformed("its JSON is not UTF-8"))?;
    let Frame(event, _) =
        serde_json::from_str(text).map_err(|_| Malformed("it is not `[\"event\",data]`"))?;
    // Messages between processes, which never reach a client.
    let is_dollar = event.starts_with('$') && !matches!(&*event, "$close" | "$presence");
    if is_dollar || matches!(&*event, "onConnect" | "onDisconnect" | "onError") {
        return Err(Malformed("its event has a reserved name"));
    }
    Ok(())
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    const SHORT: Malformed = Malformed("it ends too early");

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, rest) = self.0.split_first_chunk().ok_or(Self::SHORT)?;
        self.0 = rest;
        Ok(*head)
    }

    fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    fn socket(&mut self) -> Result<SocketId, Malformed> {
        Ok(SocketId { node: self.u64()?, local: self.u64()? })
    }

    /// A count of things that take at least `each` bytes. An impossible count is refused before
    /// anything is allocated for it.
    fn count(&mut self, each: usize) -> Result<usize, Malformed> {
        let count = usize::from(u16::from_be_bytes(self.array()?));
        if count * each > self.0.len() { Err(Self::SHORT) } else { Ok(count) }
    }

    fn room(&mut self) -> Result<Cow<'a, str>, Malformed> {
        let [length] = self.array()?;
        let (room, rest) = self.0.split_at_checked(usize::from(length)).ok_or(Self::SHORT)?;
        self.0 = rest;
        let room = std::str::from_utf8(room).map_err(|_| Malformed("a room is not UTF-8"))?;
        Ok(Cow::Borrowed(room))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::broker::{Channel, Scope};

    fn encoded(
        only: Option<SocketId>,
        except: &[SocketId],
        rooms: &[Cow<'_, str>],
        json: &[u8],
    ) -> Vec<u8> {
        let mut scratch = Vec::new();
        let channel = Channel { procedure: "post/chat", scope: Scope::All };
        let mut message = Publication::new(channel, json, &mut scratch);
        message.only = only;
        message.except = except;
        message.except_rooms = rooms;
        let mut bytes = Vec::new();
        encode(&mut bytes, &message, 7).unwrap();
        bytes
    }

    fn id(local: u64) -> SocketId {
        SocketId { node: 3, local }
    }

    #[test]
    fn an_envelope_is_laid_out_as_documented() {
        let mut bytes = encoded(None, &[], &[], b"[\"a\",1]");
        stamp(&mut bytes, 0x0102, true);
        let head = [1, 1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 1, 2];
        assert_eq!(bytes, [&head[..], b"[\"a\",1]"].concat());
    }

    #[test]
    fn a_bare_text_is_a_message_from_another_program() {
        let envelope = decode(b"[\"message\",{\"a\":1}]").unwrap();
        assert_eq!((envelope.stamp, envelope.json), (None, &b"[\"message\",{\"a\":1}]"[..]));
    }

    #[test]
    fn what_a_client_would_fail_on_is_malformed() {
        for bad in [
            "",
            "[]",
            "[\"a\"]",
            "[\"a\",1,2]",
            "[1,2]",
            "[\"a\",]",
            "[\"a\",1] x",
            "hello",
            "{\"a\":1}",
            "[\"onConnect\",null]",
            "[\"onError\",1]",
            "[\"$welcome\",{}]",
            "\u{2}x",
        ] {
            assert!(decode(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(decode(b"[\"a\",\"\xff\"]").is_err());
        let mut unknown_flag = encoded(None, &[], &[], b"[\"a\",1]");
        unknown_flag[1] |= 0x80;
        assert!(decode(&unknown_flag).is_err());
    }

    /// CVE-2026-23524 (Laravel Reverb): a payload from Redis was deserialised into whatever objects
    /// it named. Here it is JSON, which names no types, in a format with its own version.
    #[test]
    fn serialised_objects_of_other_languages_are_malformed() {
        let others: [&[u8]; 9] = [
            b"O:8:\"stdClass\":1:{s:1:\"a\";s:6:\"whoami\";}",
            b"a:1:{i:0;O:40:\"Illuminate\\Broadcasting\\PendingBroadcast\":0:{}}",
            b"\x80\x04\x95\x1d\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
            b"\xac\xed\0\x05sr\0\x11java.util.HashSet",
            b"\0\x01\0\0\0\xff\xff\xff\xff\x01\0\0\0\0\0\0\0",
            b"\x04\x08o:\x0bObject\0",
            b"{\"@type\":\"java.lang.Runtime\"}",
            b"{\"$type\":\"System.Diagnostics.Process\"}",
            b"--- !ruby/object:Gem::Installer\n",
        ];
        for bytes in others {
            assert!(decode(bytes).is_err(), "{bytes:?}");
            let mut inside = encoded(None, &[], &[], b"");
            inside.extend_from_slice(bytes);
            assert!(decode(&inside).is_err(), "{bytes:?}");
        }
        // Where it is the data of an event, it is data.
        let typed = b"[\"a\",{\"__class__\":\"Runtime\"}]";
        assert_eq!(decode(typed).unwrap().json, typed);
    }

    /// CVE-2023-35391 (SignalR): the backplane disclosed messages to clients they were not for.
    #[test]
    fn only_the_json_of_an_envelope_reaches_clients_and_the_addressee_is_kept() {
        let json = b"[\"a\",1]";
        let bytes = encoded(Some(id(1)), &[id(2)], &["secret room".into()], json);
        let envelope = decode(&bytes).unwrap();
        assert_eq!(envelope.json, json);
        assert_eq!((envelope.only, &*envelope.except), (Some(id(1)), &[id(2)][..]));
        assert_eq!(envelope.except_rooms, ["secret room"]);
    }

    #[test]
    fn an_envelope_cut_short_anywhere_is_malformed() {
        let whole = encoded(Some(id(1)), &[id(2), id(3)], &["a".into(), "bc".into()], b"[\"a\",1]");
        assert!(decode(&whole).is_ok());
        for length in 0..whole.len() {
            assert!(decode(&whole[..length]).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(
            only in any::<Option<u64>>(),
            except in prop::collection::vec(any::<u64>(), 0..5),
            rooms in prop::collection::vec(".{1,50}", 0..5),
            number in any::<u64>(),
            first in any::<bool>(),
            text in ".{0,40}",
        ) {
            let json = serde_json::to_vec(&("message", text)).unwrap();
            let except: Vec<_> = except.into_iter().map(id).collect();
            let rooms: Vec<Cow<'_, str>> = rooms.into_iter().map(Cow::Owned).collect();
            let mut bytes = encoded(only.map(id), &except, &rooms, &json);
            stamp(&mut bytes, number, first);
            prop_assert_eq!(decode(&bytes).unwrap(), Envelope {
                stamp: Some(Stamp { origin: 7, number, first }),
                only: only.map(id),
                except,
                except_rooms: rooms,
                json: &json,
            });
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(
            mut bytes in prop::collection::vec(any::<u8>(), 0..200), version in any::<bool>(),
        ) {
            if version && !bytes.is_empty() {
                bytes[0] = VERSION;
            }
            let _ = decode(&bytes);
        }
    }
}
