//! The batch: several messages of one channel in one publish. It is version 2 of the format, and
//! contains envelopes of version 1, each after its length.
//!
//! A batch is valid or malformed as a whole. It is read once to check it, and again while it is
//! delivered. Memory use is therefore bounded by its bytes and one envelope.

use std::io::{self, Write};

use super::envelope::{self, Envelope, Malformed};

/// The first byte of every batch.
const VERSION: u8 = 2;
/// The most envelopes of one batch.
pub(crate) const MOST: usize = 1_024;
/// The longest batch that is published, in bytes.
pub(crate) const LONGEST: usize = 64 * 1024;
/// The longest batch that is accepted, in bytes.
const LONGEST_ACCEPTED: usize = 1024 * 1024;
/// The length of version and count, and of the length before each envelope.
pub(crate) const HEAD: usize = 3;
pub(crate) const LENGTH: usize = 4;

/// The first bytes of a batch with `count` envelopes. Fails if they are too many.
pub(crate) fn head(count: usize) -> io::Result<[u8; HEAD]> {
    let [high, low] = u16::try_from(count).map_err(io::Error::other)?.to_be_bytes();
    Ok([VERSION, high, low])
}

/// Writes envelopes as a batch. Fails if `to` does, or if a number is too large for its field.
pub(crate) fn write<'a>(
    to: &mut impl Write,
    envelopes: impl ExactSizeIterator<Item = &'a [u8]>,
) -> io::Result<()> {
    to.write_all(&head(envelopes.len())?)?;
    for envelope in envelopes {
        let length = u32::try_from(envelope.len()).map_err(io::Error::other)?;
        to.write_all(&length.to_be_bytes())?;
        to.write_all(envelope)?;
    }
    Ok(())
}

/// The messages of a payload, all of them well-formed.
#[derive(Debug)]
pub(crate) enum Messages<'a> {
    /// A single message, until it is handed over.
    One(Option<Envelope<'a>>),
    /// The rest of a batch.
    Batch(Parts<'a>),
}

/// Envelopes, each after its length.
#[derive(Debug)]
pub(crate) struct Parts<'a>(&'a [u8]);

/// Reads a payload: a batch, an envelope, or the bare text of another program.
pub(crate) fn decode(bytes: &[u8]) -> Result<Messages<'_>, Malformed> {
    let Some((&VERSION, rest)) = bytes.split_first() else {
        return envelope::decode(bytes).map(|one| Messages::One(Some(one)));
    };
    if bytes.len() > LONGEST_ACCEPTED {
        return Err(Malformed("it is a batch that is too long"));
    }
    let (count, all) = rest.split_first_chunk().ok_or(SHORT)?;
    let count = usize::from(u16::from_be_bytes(*count));
    if count == 0 || count > MOST {
        return Err(Malformed("it is a batch of no messages, or of too many"));
    }
    let mut parts = Parts(all);
    for _ in 0..count {
        // Neither a bare text nor another batch.
        let envelope = envelope::decode_head(parts.next().ok_or(SHORT)?)?;
        envelope::check_json(envelope.json)?;
    }
    if !parts.0.is_empty() {
        return Err(Malformed("it is a batch with bytes after its end"));
    }
    Ok(Messages::Batch(Parts(all)))
}

const SHORT: Malformed = Malformed("it is a batch that ends too early");

#[cfg(feature = "redis")]
/// How many messages a payload claims to be, without reading them.
pub(crate) fn count(bytes: &[u8]) -> u64 {
    match bytes {
        [VERSION, high, low, ..] => {
            u64::from(u16::from_be_bytes([*high, *low])).clamp(1, MOST as u64)
        }
        _ => 1,
    }
}

impl<'a> Parts<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let (length, rest) = self.0.split_first_chunk::<LENGTH>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (part, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(part)
    }
}

impl<'a> Iterator for Messages<'a> {
    type Item = Envelope<'a>;

    fn next(&mut self) -> Option<Envelope<'a>> {
        match self {
            Self::One(one) => one.take(),
            // It was checked before, so this is the end and not an error.
            Self::Batch(parts) => envelope::decode_head(parts.next()?).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;
    use crate::broker::{Channel, Publication, Scope};
    use crate::socket_id::SocketId;

    fn batch(envelopes: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, envelopes.iter().map(Vec::as_slice)).unwrap();
        bytes
    }

    /// The bytes of an envelope.
    fn bytes_of(envelope: &Envelope<'_>) -> Vec<u8> {
        let mut scratch = Vec::new();
        let channel = Channel { procedure: "post/chat", scope: Scope::All };
        let mut message = Publication::new(channel, envelope.json, &mut scratch);
        message.only = envelope.only;
        message.except = &envelope.except;
        message.except_rooms = &envelope.except_rooms;
        let (mut bytes, stamp) = (Vec::new(), envelope.stamp.unwrap());
        envelope::encode(&mut bytes, &message, stamp.origin).unwrap();
        envelope::stamp(&mut bytes, stamp.number, stamp.first);
        bytes
    }

    /// An envelope with as much in it as `n` says.
    fn envelope(n: u64, json: &str) -> Vec<u8> {
        let ids: Vec<_> = (0..n % 3).map(|local| SocketId { node: n, local }).collect();
        let rooms: &[Cow<'_, str>] =
            if n.is_multiple_of(2) { &[] } else { &["r".into(), "room".into()] };
        bytes_of(&Envelope {
            stamp: Some(envelope::Stamp { origin: 7, number: n, first: n == 0 }),
            only: (n % 4 == 3).then_some(SocketId { node: 1, local: 2 }),
            except: ids,
            except_rooms: rooms.to_vec(),
            json: json.as_bytes(),
        })
    }

    fn some() -> Vec<u8> {
        batch(&[envelope(0, "[\"a\",0]"), envelope(7, "[\"b\",{}]"), envelope(8, "[\"c\",null]")])
    }

    #[test]
    fn a_batch_is_laid_out_as_documented() {
        let head = |number| [1, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, number];
        let one = |number, json: &[u8]| [&head(number)[..], json].concat();
        let bytes = batch(&[one(1, b"[\"a\",1]"), one(2, b"[\"ab\",2]")]);
        let expected = [
            &[2, 0, 2, 0, 0, 0, 25][..],
            &one(1, b"[\"a\",1]"),
            &[0, 0, 0, 26],
            &one(2, b"[\"ab\",2]"),
        ];
        assert_eq!(bytes, expected.concat());
        let json: Vec<_> = decode(&bytes).unwrap().map(|envelope| envelope.json).collect();
        assert_eq!(json, [&b"[\"a\",1]"[..], b"[\"ab\",2]"]);
    }

    #[test]
    fn a_batch_cut_short_anywhere_is_malformed_and_so_is_one_that_goes_on() {
        let whole = some();
        assert_eq!(decode(&whole).unwrap().count(), 3);
        for length in 0..whole.len() {
            assert!(decode(&whole[..length]).is_err(), "{length}");
        }
        assert!(decode(&[&whole[..], b"\0"].concat()).is_err());
        assert!(decode(&[&whole[..], &whole[3..]].concat()).is_err());
    }

    #[test]
    fn a_batch_with_a_wrong_byte_is_malformed_or_says_what_its_bytes_say() {
        let whole = some();
        let mut accepted = 0;
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut bytes = whole.clone();
                bytes[at] ^= 1 << bit;
                let Ok(messages) = decode(&bytes) else { continue };
                let again: Vec<_> = messages.map(|envelope| bytes_of(&envelope)).collect();
                assert_eq!(batch(&again), bytes, "bit {bit} of {at}");
                accepted += 1;
            }
        }
        assert!(accepted > 0, "numbers may be others");
    }

    #[test]
    fn one_message_that_is_malformed_makes_the_whole_batch_so() {
        let good = envelope(1, "[\"a\",1]");
        assert!(decode(&batch(&[good.clone(), good.clone()])).is_ok());
        let bare = b"[\"a\",1]".to_vec();
        let nested = batch(std::slice::from_ref(&good));
        let mut unknown_flag = good.clone();
        unknown_flag[1] |= 0x80;
        let not_json = envelope(1, "[\"a\",1");
        let reserved = envelope(1, "[\"onError\",1]");
        for bad in [bare, nested, unknown_flag, not_json, reserved, Vec::new()] {
            assert!(decode(&batch(&[good.clone(), bad.clone()])).is_err(), "{bad:?}");
            assert!(decode(&batch(&[bad.clone(), good.clone()])).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_batch_has_bounds() {
        let small = envelope(0, "[\"a\",1]");
        assert!(decode(&batch(&[])).is_err());
        assert!(decode(&batch(&vec![small.clone(); MOST])).is_ok());
        assert!(decode(&batch(&vec![small; MOST + 1])).is_err());
        let frame = LONGEST_ACCEPTED - batch(&[envelope(0, "[\"a\",\"\"]")]).len();
        let filled = |bytes| batch(&[envelope(0, &format!("[\"a\",\"{}\"]", "x".repeat(bytes)))]);
        assert!(decode(&filled(frame)).is_ok());
        assert!(decode(&filled(frame + 1)).is_err());
    }

    #[test]
    fn a_length_that_cannot_be_true_is_refused() {
        for length in [0, 1, u32::MAX / 2, u32::MAX] {
            let bytes = [&[VERSION, 0, 1][..], &length.to_be_bytes(), &envelope(0, "[\"a\",1]")];
            assert!(decode(&bytes.concat()).is_err(), "{length}");
        }
    }

    #[test]
    fn what_was_dropped_unread_is_counted_by_its_head() {
        assert_eq!(count(&some()), 3);
        assert_eq!(count(b"[\"a\",1]"), 1);
        assert_eq!([count(b""), count(&[2]), count(&[2, 0, 0])], [1; 3]);
        assert_eq!(count(&[2, 255, 255]), MOST as u64);
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            messages in prop::collection::vec((any::<u64>(), ".{0,40}"), 1..20),
        ) {
            let envelopes: Vec<_> = messages
                .iter()
                .map(|(n, text)| envelope(*n, &serde_json::to_string(&("message", text)).unwrap()))
                .collect();
            let bytes = batch(&envelopes);
            let read: Vec<_> = decode(&bytes).unwrap().map(|message| bytes_of(&message)).collect();
            prop_assert_eq!(read, envelopes);
        }

        #[test]
        fn no_bytes_make_the_decoder_panic(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..5),
            mut bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            if let Some(first) = bytes.first_mut() {
                *first = VERSION;
            }
            for bytes in [bytes, batch(&parts)] {
                count(&bytes);
                if let Ok(messages) = decode(&bytes) {
                    prop_assert!(messages.count() > 0);
                }
            }
        }
    }
}
